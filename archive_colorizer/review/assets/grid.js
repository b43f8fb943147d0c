// The contact sheet's grid: only the rows in sight are in the page, however many pictures there are.

import { h, icon } from "../web/dom.js";
import { pick, t } from "../web/i18n.js";
import { badge, doubtText, nameOf, word } from "./badges.js";

/**
 * @typedef {import("./types.js").Item} Item
 * @typedef {import("./list.js").PictureList} PictureList
 */

const GAP = 12;
const CAPTION = 56;
const OVERSCAN = 2;

export class Grid {
  /**
   * @param {PictureList} list
   * @param {(item: Item) => void} open
   * @param {(error: unknown) => void} fail
   */
  constructor(list, open, fail) {
    this.list = list;
    this.open = open;
    this.fail = fail;
    this.least = 220;
    this.current = 0;
    this.columns = 1;
    this.rowHeight = 200;
    this.laid = "";
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();
    this.space = h("div", { class: "grid-space", role: "grid", "aria-label": t("pictures") });
    this.element = h("div", { class: "grid", id: "pictures" }, this.space);
    this.element.addEventListener("scroll", () => this.draw(), { passive: true });
    this.space.addEventListener("keydown", (event) => this.#key(event));
    this.space.addEventListener("click", (event) => this.#click(event));
    this.space.addEventListener("pointermove", (event) => this.#compare(event));
    this.space.addEventListener("focusin", (event) => {
      const number = numberOf(event.target);
      if (number >= 0) this.#mark(number);
    });
    this.watch = new ResizeObserver(() => this.measure());
  }

  start() {
    this.watch.observe(this.element);
    this.measure();
  }

  close() {
    this.watch.disconnect();
  }

  /** @param {number} least width of a picture's cell in pixels */
  setSize(least) {
    this.least = least;
    this.measure();
  }

  /** Lay the rows out anew for the width that there is. */
  measure() {
    const focused = this.space.contains(document.activeElement);
    const style = getComputedStyle(this.element);
    const width = this.element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const first = this.columns * Math.floor(this.element.scrollTop / this.rowHeight);
    this.columns = Math.max(1, Math.floor((width + GAP) / (Math.min(this.least, (width - GAP) / 2) + GAP)));
    const cell = (width - GAP * (this.columns - 1)) / this.columns;
    this.rowHeight = Math.round(cell * 0.75) + CAPTION + GAP;
    this.space.style.setProperty("--columns", String(this.columns));
    this.space.style.setProperty("--row", `${this.rowHeight - GAP}px`);
    const laid = `${width} ${this.columns}`;
    if (laid !== this.laid) {
      this.#forget();
      this.laid = laid;
      this.element.scrollTop = Math.floor(first / this.columns) * this.rowHeight;
    }
    this.draw();
    if (focused && !this.space.contains(document.activeElement)) this.focus(this.current);
  }

  #forget() {
    for (const row of this.rows.values()) row.remove();
    this.rows.clear();
  }

  /** Draw the rows in sight, and fetch what is missing of them. */
  draw() {
    const { list, columns } = this;
    const total = Math.max(0, list.total);
    const count = Math.ceil(total / columns);
    this.space.style.height = `${Math.max(0, count * this.rowHeight - GAP)}px`;
    this.space.setAttribute("aria-rowcount", String(count));
    this.space.setAttribute("aria-colcount", String(columns));
    const first = Math.max(0, Math.floor(this.element.scrollTop / this.rowHeight) - OVERSCAN);
    const last = Math.min(
      count,
      Math.ceil((this.element.scrollTop + this.element.clientHeight) / this.rowHeight) + OVERSCAN,
    );
    const kept = Math.floor(this.current / columns);
    for (const [number, row] of this.rows) {
      if ((number < first || number >= last) && number !== kept) {
        row.remove();
        this.rows.delete(number);
      }
    }
    for (let number = first; number < last; number += 1) this.#row(number);
    if (kept < count) this.#row(kept);
    list
      .ensure(first * columns, last * columns)
      .then(() => this.#fill())
      .catch(this.fail);
  }

  /** @param {number} number */
  #row(number) {
    if (this.rows.has(number)) return;
    const row = h("div", { class: "grid-row", role: "row", "aria-rowindex": number + 1 });
    row.style.transform = `translateY(${number * this.rowHeight}px)`;
    const end = Math.min(this.list.total, (number + 1) * this.columns);
    for (let index = number * this.columns; index < end; index += 1) row.append(this.#cell(index));
    this.rows.set(number, row);
    this.space.append(row);
  }

  /** Draw cells again whose picture has come since. */
  #fill() {
    for (const empty of this.space.querySelectorAll(".cell.empty")) {
      const number = numberOf(empty);
      if (this.list.at(number)) this.#renew(empty, number);
    }
  }

  /**
   * @param {Element} old
   * @param {number} number
   */
  #renew(old, number) {
    const focused = old === document.activeElement;
    const cell = this.#cell(number);
    old.replaceWith(cell);
    if (focused) cell.focus();
  }

  /** Show another verdict on a picture of the sheet. @param {string} id */
  refresh(id) {
    const number = this.list.find(id);
    const old = this.space.querySelector(`[data-number="${number}"]`);
    if (old) this.#renew(old, number);
  }

  /** @param {number} number */
  #cell(number) {
    const item = this.list.at(number);
    const cell = h("div", {
      class: item ? "cell" : "cell empty",
      role: "gridcell",
      tabindex: number === this.current ? 0 : -1,
      "data-number": number,
      "aria-colindex": (number % this.columns) + 1,
    });
    if (!item) {
      cell.setAttribute("aria-label", t("loading"));
      cell.append(h("div", { class: "thumb" }), h("div", { class: "caption" }));
      return cell;
    }
    cell.dataset.id = item.id;
    cell.setAttribute("aria-label", spoken(item));
    cell.append(thumb(item), caption(item));
    return cell;
  }

  /** @param {number} number */
  #mark(number) {
    if (number === this.current) return;
    const cell = (/** @type {number} */ n) => this.space.querySelector(`[data-number="${n}"]`);
    cell(this.current)?.setAttribute("tabindex", "-1");
    this.current = number;
    cell(number)?.setAttribute("tabindex", "0");
  }

  /** @param {number} number move there with the focus */
  focus(number) {
    if (this.list.total <= 0) return;
    const to = Math.max(0, Math.min(this.list.total - 1, number));
    const top = Math.floor(to / this.columns) * this.rowHeight;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = Math.max(0, top - GAP);
    else if (top + this.rowHeight > scrollTop + clientHeight) {
      this.element.scrollTop = top + this.rowHeight - clientHeight + GAP;
    }
    this.#mark(to);
    this.draw();
    const cell = this.space.querySelector(`[data-number="${to}"]`);
    if (cell instanceof HTMLElement) cell.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.rowHeight)) * this.columns;
    const steps = /** @type {Record<string, number>} */ ({
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -this.columns,
      ArrowDown: this.columns,
      PageUp: -page,
      PageDown: page,
      Home: -this.current,
      End: this.list.total - 1 - this.current,
    });
    const step = steps[event.key];
    if (step !== undefined) {
      const to = this.current + step;
      const line = event.key === "ArrowUp" || event.key === "ArrowDown";
      if (!line || (to >= 0 && to < this.list.total)) this.focus(to);
    } else if (event.key === "Enter") {
      const item = this.list.at(this.current);
      if (item) this.open(item);
    } else return;
    event.preventDefault();
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const item = this.list.at(numberOf(event.target));
    if (item) this.open(item);
  }

  /**
   * The original to the left of the pointer, the coloured picture to the right.
   * @param {PointerEvent} event
   */
  #compare(event) {
    const box = event.target instanceof Element ? event.target.closest(".thumb") : null;
    if (!(box instanceof HTMLElement) || event.pointerType === "touch") return;
    const place = box.getBoundingClientRect();
    box.style.setProperty("--cut", `${Math.round(100 - ((event.clientX - place.left) / place.width) * 100)}%`);
    addBefore(box, this.list.at(numberOf(box)));
  }

  /** @param {boolean} on show the originals of all pictures in sight */
  originals(on) {
    this.element.classList.toggle("originals", on);
    if (!on) return;
    for (const box of this.space.querySelectorAll(".thumb")) addBefore(box, this.list.at(numberOf(box)));
  }
}

/** @param {EventTarget | null} target */
function numberOf(target) {
  const cell = target instanceof Element ? target.closest(".cell") : null;
  return cell instanceof HTMLElement ? Number(cell.dataset.number) : -1;
}

/** @param {Item} item */
function spoken(item) {
  const parts = [nameOf(item), word(item.status)];
  if (item.status === "ok") parts.push(word(item.verdict ?? "none"));
  if (item.doubt !== null) parts.push(`${t("doubt")} ${doubtText(item.doubt)}`);
  if (item.status !== "ok") parts.push(pick(item.why));
  return parts.join(", ");
}

/** @param {Item} item */
function thumb(item) {
  const box = h("div", { class: "thumb" });
  if (item.thumb && item.status === "ok") {
    box.append(h("img", { src: item.thumb, alt: "", decoding: "async", draggable: "false" }));
  } else {
    box.append(h("div", { class: "no-thumb" }, badge(item.status), h("p", {}, pick(item.why))));
  }
  return box;
}

/**
 * @param {Element} box
 * @param {Item | undefined} item
 */
function addBefore(box, item) {
  if (!item?.thumb || item.status !== "ok" || box.querySelector(".original")) return;
  const url = item.thumb.replace("/thumb/after/", "/thumb/before/");
  box.append(h("img", { class: "original", src: url, alt: "", draggable: "false" }));
}

/** @param {Item} item */
function caption(item) {
  const line = h("div", { class: "facts" });
  if (item.status === "ok") line.append(badge(item.verdict ?? "none"));
  const flags = item.flags.length;
  if (flags > 0) line.append(h("span", { class: "fact" }, icon("flag"), String(flags)));
  if (item.doubt !== null) line.append(h("span", { class: "fact figures" }, icon("doubt"), doubtText(item.doubt)));
  return h("div", { class: "caption" }, h("div", { class: "name", title: item.path }, nameOf(item)), line);
}
