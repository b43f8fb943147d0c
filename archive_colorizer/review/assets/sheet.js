// The contact sheet: filters, counts, order, the queue, and the grid.

import { get } from "../web/api.js";
import { button, h, isTyping } from "../web/dom.js";
import { t } from "../web/i18n.js";
import { filterPanel } from "./filters.js";
import { Grid } from "./grid.js";
import { PictureList } from "./list.js";
import { whisper } from "./notices.js";

/** @typedef {import("./desk.js").Desk} Desk */

const SORTS = ["-doubt", "doubt", "path", "-path"];
const SIZE = "archive-colorizer.size";

export class SheetView {
  /**
   * @param {Desk} desk
   * @param {URLSearchParams} query
   * @param {string} [from] id of the picture to come back to
   */
  constructor(desk, query, from = "") {
    this.desk = desk;
    this.from = from;
    this.list = new PictureList(query);
    this.count = h("p", { class: "count", role: "status" }, t("loading"));
    this.empty = h("p", { class: "nothing soft", hidden: true }, t("nothing"));
    this.queue = h("div", { class: "queue" });
    this.grid = new Grid(this.list, (item) => desk.openPicture(this.list, item.id), desk.fail);
    this.side = h("aside", { class: "side", id: "filters" }, this.queue, this.#filters());
    this.element = h(
      "main",
      { class: "sheet", id: "main" },
      this.side,
      h("h1", { class: "unseen" }, t("pictures")),
      h("div", { class: "board" }, this.#bar(), this.grid.element, this.empty),
    );
  }

  #filters() {
    return filterPanel(this.desk.session, this.list.query, (query) => this.#go(query));
  }

  /** @param {URLSearchParams} query */
  #go(query) {
    this.desk.openSheet(query);
  }

  #bar() {
    const sort = h("select", { class: "input", name: "sort" });
    for (const value of SORTS) {
      sort.append(h("option", { value, selected: value === (this.list.query.get("sort") ?? "-doubt") }, t(`sort${value}`)));
    }
    sort.addEventListener("change", () => {
      const query = new URLSearchParams(this.list.query);
      query.set("sort", sort.value);
      this.#go(query);
    });
    const size = h("input", { type: "range", min: 140, max: 420, step: 20, value: this.#size() });
    size.addEventListener("input", () => {
      localStorage.setItem(SIZE, size.value);
      this.grid.setSize(Number(size.value));
    });
    const toggle = button(t("filters"), () => this.element.classList.toggle("filtering"), {
      icon: "filter",
      class: "button filter-toggle",
    });
    return h(
      "div",
      { class: "board-bar" },
      toggle,
      this.count,
      h("label", { class: "bar-field" }, h("span", { class: "soft small" }, t("sort")), sort),
      h("label", { class: "bar-field size-field" }, h("span", { class: "soft small" }, t("size")), size),
    );
  }

  #size() {
    return Number(localStorage.getItem(SIZE) ?? 220);
  }

  async open() {
    this.grid.least = this.#size();
    try {
      const back = this.from ? this.desk.lastNumber : 0;
      await this.list.ensure(Math.max(0, back), back + 60);
    } catch (error) {
      this.desk.fail(error);
      return;
    }
    this.#tellCount();
    this.grid.start();
    if (this.from) this.#comeBack();
    this.#askQueue();
  }

  #comeBack() {
    const number = this.list.find(this.from);
    this.grid.focus(number >= 0 ? number : this.desk.lastNumber);
  }

  #tellCount() {
    const all = this.desk.session.job.counts.listed ?? 0;
    const n = this.list.total;
    this.count.textContent = n === all ? t("found", { n }) : t("foundOf", { n, all });
    this.empty.hidden = n > 0;
  }

  async #askQueue() {
    try {
      const { total, left, first } = await get("/api/queue");
      this.queue.replaceChildren(
        h("h2", {}, t("queue")),
        h("p", { class: "soft figures" }, left > 0 ? t("queueLeft", { left, total }) : `${t("queueLeft", { left, total })}, ${t("queueDone")}`),
        button(t("queueStart"), () => this.desk.startQueue(first), { class: "button main", disabled: !first }),
      );
      const only = h("input", { type: "checkbox", checked: this.list.query.get("queue") === "1" });
      only.addEventListener("change", () => {
        const query = new URLSearchParams(this.list.query);
        if (only.checked) query.set("queue", "1");
        else query.delete("queue");
        this.#go(query);
      });
      if (this.desk.session.options.double_blind) this.queue.append(this.#secondLook());
      this.queue.append(h("label", { class: "choice" }, only, h("span", { class: "choice-word" }, t("queueOn"))));
    } catch (error) {
      this.desk.fail(error);
    }
  }

  /** Pictures that another has judged, to be judged without knowing how. */
  #secondLook() {
    return button(t("secondLook"), () => this.#go(new URLSearchParams({ look: "second" })));
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether it meant something here
   */
  key(event) {
    if (isTyping(event.target)) return false;
    const action = this.desk.keys.match(event, ["sheet"]);
    if (action === "sheet.search") {
      this.element.classList.add("filtering");
      document.getElementById("search")?.focus();
    } else if (action === "sheet.before") this.grid.originals(true);
    else if (action === "sheet.queue") {
      const start = this.queue.querySelector("button");
      start?.click();
    } else return false;
    return true;
  }

  /** @param {KeyboardEvent} event */
  keyUp(event) {
    if (this.desk.keys.match(event, ["sheet"]) === "sheet.before") this.grid.originals(false);
  }

  /** A verdict was taken back while the sheet is shown. @param {string} id */
  changed(id) {
    this.grid.refresh(id);
    whisper(t("undid", { name: this.list.at(this.list.find(id))?.path ?? "" }));
  }

  close() {
    this.grid.close();
  }
}
