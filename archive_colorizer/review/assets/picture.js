// One picture: looking, judging, going on. The zoom and the place stay when the picture changes.

import { ApiError, get } from "../web/api.js";
import { button, h, isTyping } from "../web/dom.js";
import { t } from "../web/i18n.js";
import { nameOf, word } from "./badges.js";
import { drawDetails } from "./details.js";
import { drawEnd } from "./end.js";
import { JudgeBar } from "./judge.js";
import { findAnew } from "./list.js";
import { say, whisper } from "./notices.js";
import { PinBoard } from "./pins.js";
import { Prefetch } from "./sources.js";
import { Stage } from "./stage.js";
import { ViewBar } from "./view_bar.js";

/**
 * @typedef {import("./types.js").Picture} Picture
 * @typedef {import("./types.js").Verdict} Verdict
 * @typedef {import("./types.js").Outgoing} Outgoing
 * @typedef {import("./list.js").PictureList} PictureList
 * @typedef {import("./desk.js").Desk} Desk
 */

const AHEAD = 3;
const KEPT_PICTURES = 12;
const PANEL = "archive-colorizer.panel";

export class PictureView {
  /**
   * @param {Desk} desk
   * @param {PictureList} list what is gone through
   */
  constructor(desk, list) {
    this.desk = desk;
    this.list = list;
    this.number = -1;
    /** @type {Picture | null} */
    this.picture = null;
    this.shownAt = 0;
    /** Whether the picture has been drawn: one that nobody saw cannot be judged. */
    this.seen = false;
    this.turn = 0;
    /** @type {Map<string, Promise<Picture>>} */
    this.cache = new Map();
    this.prefetch = new Prefetch();
    this.stage = new Stage();
    this.judgeBar = new JudgeBar(desk, (verdict, reason, note) => this.judge(verdict, reason, note));
    this.pins = new PinBoard(desk, this.stage, (id) => this.#madeAnew(id));
    this.viewBar = new ViewBar(desk, this.stage, {
      pins: () => this.togglePins(),
      details: () => this.togglePanel(),
    });
    this.title = h("h1", { class: "picture-name", tabindex: -1 });
    this.position = h("p", { class: "position soft figures" });
    this.panel = h("aside", { class: "details", id: "details", "aria-label": t("details"), tabindex: 0 });
    this.end = h("div", { class: "end", hidden: true });
    this.element = this.#layout();
    this.element.addEventListener("click", (event) => this.#clicked(event));
    this.showPanel(localStorage.getItem(PANEL) !== "no" && innerWidth > 1100);
  }

  #layout() {
    const { desk } = this;
    const step = (/** @type {string} */ id, /** @type {number} */ by) =>
      button(t(id), () => this.step(by), { icon: id, iconOnly: true, class: "button quiet" });
    return h(
      "main",
      { class: "picture", id: "main" },
      h(
        "div",
        { class: "picture-head" },
        button(t("back"), () => this.back(), { icon: "back", class: "button quiet" }),
        h("div", { class: "picture-title" }, this.title, this.position),
        h("div", { class: "row steps" }, step("previous", -1), step("next", 1)),
        this.viewBar.element,
      ),
      h("div", { class: "picture-body" }, h("div", { class: "room" }, this.stage.element, this.end), this.pins.element, this.panel),
      desk.isReviewer
        ? this.judgeBar.element
        : h("p", { class: "judge viewer-line soft" }, t("viewer")),
    );
  }

  /**
   * A button pressed by mouse does not keep the focus: held next, Space would press it again.
   * @param {MouseEvent} event
   */
  #clicked(event) {
    const pressed = event.target instanceof Element ? event.target.closest("button") : null;
    if (event.detail > 0 && pressed && !this.judgeBar.asking && !this.pins.active && this.end.hidden) this.rest();
  }

  /** Put the focus where no key is a control's own. */
  rest() {
    this.title.focus({ preventScroll: true });
  }

  /** @param {string} id */
  async open(id) {
    this.rest();
    this.stage.open();
    this.number = this.list.find(id);
    await this.show(id);
  }

  /**
   * @param {string} id
   * @returns {Promise<Picture>}
   */
  fetch(id) {
    let asked = this.cache.get(id);
    if (!asked) {
      asked = get(`/api/pictures/${id}`);
      asked.catch(() => this.cache.delete(id));
      this.cache.set(id, asked);
      const oldest = this.cache.keys().next().value;
      if (this.cache.size > KEPT_PICTURES && oldest !== undefined) this.cache.delete(oldest);
    }
    return asked;
  }

  /** @param {string} id */
  async show(id) {
    const turn = (this.turn += 1);
    this.seen = false;
    this.end.hidden = true;
    this.judgeBar.cancel();
    let picture;
    try {
      picture = await this.fetch(id);
    } catch (error) {
      this.seen = this.picture !== null;
      if (error instanceof ApiError && error.status === 404) say(t("notFound"));
      else this.desk.fail(error);
      return;
    }
    if (turn !== this.turn) return;
    this.picture = picture;
    this.desk.shown(id, this.number);
    this.#tell(picture);
    this.pins.show(picture);
    await this.stage.show(picture);
    if (turn !== this.turn) return;
    if (document.activeElement === document.body) this.rest();
    this.seen = true;
    this.shownAt = performance.now();
    this.element.dataset.shown = id;
    this.#ahead().catch(() => undefined);
  }

  /** @param {Picture} picture */
  #tell(picture) {
    const { item } = picture;
    this.title.textContent = nameOf(item);
    this.title.title = item.path;
    const where = this.number < 0 ? t("outside") : t("position", { n: this.number + 1, all: this.list.total });
    this.position.replaceChildren(where);
    drawDetails(this.panel, this.desk.session, picture);
    this.judgeBar.show(item);
    this.viewBar.show(picture);
    whisper(`${nameOf(item)}, ${where}, ${word(item.status === "ok" ? (item.verdict ?? "none") : item.status)}`);
  }

  /** Ask for what comes next before it is wanted. */
  async #ahead() {
    const from = this.number;
    await this.list.ensure(from + 1, from + 1 + AHEAD);
    for (let number = from + 1; number <= from + AHEAD; number += 1) {
      const item = this.list.at(number);
      if (!item) continue;
      const { images } = await this.fetch(item.id);
      this.prefetch.ask([images.before, images.after]);
    }
  }

  /** @param {number} by pictures to go on, without a verdict */
  async step(by) {
    const to = this.number + by;
    if (to < 0) return;
    try {
      await this.list.ensure(to, to + 1);
    } catch (error) {
      this.seen = true;
      this.desk.fail(error);
      return;
    }
    const item = this.list.at(to);
    if (item) {
      this.number = to;
      await this.show(item.id);
    } else await this.#atEnd();
  }

  async #atEnd() {
    this.judgeBar.cancel();
    await drawEnd(this.end, this.desk, this.list);
  }

  /**
   * @param {Verdict} verdict
   * @param {string} [reason]
   * @param {string} [note]
   */
  judge(verdict, reason = "", note = "") {
    const picture = this.picture;
    if (!picture?.item.sha256 || !this.seen || !this.desk.isReviewer || !this.end.hidden) return;
    const { id, path, page, sha256 } = picture.item;
    const seconds = Math.round(performance.now() - this.shownAt) / 1000;
    this.list.note(id, verdict);
    picture.item.verdict = verdict;
    this.cache.delete(id);
    this.desk.outbox.add({ id, path, page, sha256, verdict, reason, note, seconds });
    say(t("said", { verdict: word(verdict), name: nameOf(picture.item) }));
    this.judgeBar.show(picture.item);
    if (reason) this.rest();
    this.seen = false;
    this.step(1);
  }

  /**
   * A verdict was taken back: show its picture, also if no filter lets it through.
   * @param {string} id
   * @param {string | null} verdict what holds now
   */
  async takenBack(id, verdict) {
    this.list.note(id, verdict);
    this.cache.delete(id);
    const number = this.list.find(id);
    if (number >= 0) this.number = number;
    await this.show(id);
    say(t("undid", { name: this.picture ? nameOf(this.picture.item) : "" }));
  }

  /** The derivative is another than the one that was judged: show it. @param {Outgoing} judged */
  async another({ id, path, page }) {
    this.cache.delete(id);
    this.list.note(id, null);
    const item = await findAnew(path, page);
    if (!item) {
      say(t("notFound"));
      return;
    }
    this.list.replace(id, item);
    const number = this.list.find(item.id);
    if (number >= 0) this.number = number;
    await this.show(item.id);
    say(t("another"));
  }

  /** A derivative was made from pins. @param {string} id its row's */
  async #madeAnew(id) {
    const old = this.picture?.item.id ?? "";
    this.cache.delete(id);
    this.cache.delete(old);
    const picture = await this.fetch(id);
    this.list.replace(old, picture.item);
    await this.show(id);
  }

  togglePins() {
    if (this.pins.active) this.pins.leave();
    else if (this.picture?.images.after && this.desk.isReviewer) this.pins.enter();
    this.viewBar.pressed("pins", this.pins.active);
  }

  togglePanel() {
    const shown = this.panel.hidden;
    localStorage.setItem(PANEL, shown ? "yes" : "no");
    this.showPanel(shown);
  }

  /** @param {boolean} shown */
  showPanel(shown) {
    this.panel.hidden = !shown;
    this.viewBar.pressed("details", shown);
  }

  back() {
    this.desk.openSheet(this.list.query, this.picture?.item.id ?? "");
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether it meant something here
   */
  key(event) {
    if (this.judgeBar.key(event)) return true;
    if (isTyping(event.target)) return false;
    if (this.pins.active && this.pins.key(event)) {
      this.viewBar.pressed("pins", this.pins.active);
      return true;
    }
    if (event.target instanceof HTMLElement && isControl(event)) return false;
    const { keys } = this.desk;
    const action = keys.match(event, ["picture"]) || keys.match(unshifted(event), ["picture"]);
    const deed = this.#deeds(event.shiftKey)[action];
    if (!deed) return false;
    deed();
    return true;
  }

  /**
   * @param {boolean} small
   * @returns {Record<string, () => void>}
   */
  #deeds(small) {
    const { stage } = this;
    return {
      approve: () => this.judge("approved"),
      reject: () => this.judgeBar.ask(),
      later: () => this.judge("later"),
      next: () => this.step(1),
      previous: () => this.step(-1),
      before: () => stage.hold(true),
      mode: () => stage.nextMode(),
      full: () => stage.full(),
      fit: () => stage.fit(),
      zoomIn: () => stage.zoomBy(1.4),
      zoomOut: () => stage.zoomBy(1 / 1.4),
      left: () => stage.pan(-1, 0, small),
      right: () => stage.pan(1, 0, small),
      up: () => stage.pan(0, -1, small),
      down: () => stage.pan(0, 1, small),
      divideLeft: () => stage.divide(-5),
      divideRight: () => stage.divide(5),
      doubtMap: () => this.viewBar.mask("doubt"),
      glareMask: () => this.viewBar.mask("glare"),
      details: () => this.togglePanel(),
      pins: () => this.togglePins(),
      back: () => this.back(),
    };
  }

  /** @param {KeyboardEvent} event */
  keyUp(event) {
    if (this.stage.held && this.desk.keys.match(event, ["picture"]) === "before") this.stage.hold(false);
  }

  close() {
    this.turn += 1;
    this.pins.leave();
    this.stage.close();
  }
}

/**
 * Whether a key is the focused control's own: Space on a button, arrows on a slider.
 * @param {KeyboardEvent} event
 */
function isControl(event) {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.matches("button, a, summary, input, label")) return event.key === " " || event.key === "Enter" || target.matches("input");
  const arrow = event.key.startsWith("Arrow");
  if (target.matches("img-comparison-slider")) return event.key === "ArrowLeft" || event.key === "ArrowRight";
  return arrow && target.matches(".details");
}

/** @param {KeyboardEvent} event the same key without Shift, which makes steps smaller */
function unshifted(event) {
  if (!event.shiftKey || !event.key.startsWith("Arrow")) return event;
  return new KeyboardEvent("keydown", { key: event.key, code: event.code });
}
