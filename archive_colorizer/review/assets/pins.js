// Pinned colours on the stage: by mouse and by keys, previewed, saved, followed until they are made.

import { ApiError, get, post, send } from "../web/api.js";
import { h } from "../web/dom.js";
import { t } from "../web/i18n.js";
import { say, whisper } from "./notices.js";
import { PinPanel } from "./pin_panel.js";
import { PinSet } from "./pin_set.js";

/**
 * @typedef {import("./types.js").Picture} Picture
 * @typedef {import("./stage.js").Stage} Stage
 * @typedef {import("./pane.js").Pane} Pane
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {{ x: number, y: number }} Spot
 */

const POLL_MS = 1000;
const STEP_PX = 12;

export class PinBoard {
  /**
   * @param {Desk} desk
   * @param {Stage} stage
   * @param {(id: string) => void} made the row of the new derivative
   */
  constructor(desk, stage, made) {
    this.desk = desk;
    this.stage = stage;
    this.made = made;
    this.active = false;
    this.set = new PinSet();
    this.colour = "#e6b89c";
    this.dropping = false;
    this.previewed = "";
    /** @type {AbortController | null} */
    this.asking = null;
    /** @type {Picture | null} */
    this.picture = null;
    /** @type {Spot} */
    this.cross = { x: 0, y: 0 };
    /** @type {{ pane: Pane, element: HTMLElement }[]} */
    this.marks = [];
    /** @type {Promise<void> | null} */
    this.warm = null;
    /** @type {WeakSet<Pane>} */
    this.linked = new WeakSet();
    this.panel = new PinPanel(desk, {
      colour: (colour) => this.#take(colour),
      dropper: () => this.#drop(!this.dropping),
      grey: () => this.#grey(),
      choose: (number) => this.#choose(number),
      delete: (number) => this.#delete(number),
      undo: () => this.#undo(),
      preview: () => this.#preview(),
      save: () => this.#save(),
      leave: () => this.desk.togglePins(),
    });
    this.element = this.panel.element;
  }

  /** @param {Picture} picture */
  show(picture) {
    this.asking?.abort();
    if (this.picture?.item.id !== picture.item.id) this.panel.say("");
    this.picture = picture;
    this.#forgetPreview();
    this.set.start(picture.pins);
    if (this.active && !picture.images.after) this.leave();
    if (this.active) this.#centre();
  }

  enter() {
    this.active = true;
    this.element.hidden = false;
    for (const pane of this.#panes()) this.#link(pane);
    this.stage.element.classList.add("pinning");
    this.#centre();
    this.warm ??= this.#warmUp();
  }

  /** The first preview loads the model: one that nobody sees is asked for while the pins are set. */
  async #warmUp() {
    const pins = [[this.cross.x, this.cross.y, "#808080"]];
    await send(`/api/pictures/${this.picture?.item.id}/pins/preview`, { pins }).catch(() => undefined);
  }

  leave() {
    if (!this.active) return;
    this.active = false;
    this.dropping = false;
    this.element.hidden = true;
    this.stage.element.classList.remove("pinning", "dropping");
    this.#clearMarks();
    if (this.previewed) {
      this.#forgetPreview();
      if (this.picture && this.stage.panes) this.stage.show(this.picture);
    }
  }

  #forgetPreview() {
    if (this.previewed) URL.revokeObjectURL(this.previewed);
    this.previewed = "";
  }

  #panes() {
    return this.stage.panes ? [this.stage.panes.before, this.stage.panes.after] : [];
  }

  /** Pixels of the master for one of a pane's picture. @param {Pane} pane */
  #factor(pane) {
    return (this.#width() || 1) / (pane.pyramid?.width ?? 1);
  }

  #width() {
    return this.picture?.images.before?.width ?? this.picture?.images.after?.width ?? 1;
  }

  #height() {
    return this.picture?.images.before?.height ?? this.picture?.images.after?.height ?? 1;
  }

  /** @param {Pane} pane */
  #link(pane) {
    if (this.linked.has(pane)) return;
    this.linked.add(pane);
    pane.viewer.addHandler("canvas-click", (event) => {
      if (!this.active || !event.quick) return;
      const mark = event.originalTarget instanceof Element ? event.originalTarget.closest(".pin") : null;
      if (mark instanceof HTMLElement && mark.dataset.number) this.#choose(Number(mark.dataset.number));
      else this.#click(pane, pane.pixelAt(event.position));
    });
    pane.element.addEventListener("contextmenu", (event) => {
      if (!this.active) return;
      event.preventDefault();
      const mark = event.target instanceof Element ? event.target.closest(".pin") : null;
      if (mark instanceof HTMLElement && mark.dataset.number) this.#delete(Number(mark.dataset.number));
    });
  }

  /**
   * @param {Pane} pane
   * @param {Spot} pixel of its picture
   */
  #click(pane, pixel) {
    if (this.dropping) {
      this.#pickUp(pane, pixel);
      return;
    }
    const factor = this.#factor(pane);
    this.#put({ x: pixel.x * factor, y: pixel.y * factor }, this.colour);
  }

  /**
   * @param {Pane} pane
   * @param {Spot} pixel
   */
  #pickUp(pane, pixel) {
    const colour = pane.colourAt(pixel);
    this.#drop(false);
    if (colour) this.#take(colour);
  }

  /**
   * @param {Spot} spot pixels of the master
   * @param {string} colour
   */
  #put(spot, colour) {
    const x = Math.round(spot.x);
    const y = Math.round(spot.y);
    if (x < 0 || y < 0 || x >= this.#width() || y >= this.#height()) return;
    this.cross = { x, y };
    this.set.set({ x, y, colour });
    whisper(t("pinSet", { n: this.set.pins.length, colour }));
    this.#draw();
  }

  /** @param {string} colour for the chosen pin and for the next ones */
  #take(colour) {
    this.colour = colour;
    this.set.colour(colour);
    this.#draw();
  }

  /** @param {boolean} on the next click takes a colour */
  #drop(on) {
    this.dropping = on;
    this.panel.dropper.setAttribute("aria-pressed", String(on));
    this.stage.element.classList.toggle("dropping", on);
    this.panel.say(on ? t("pinDropperHelp") : "");
  }

  /** A neutral colour as light as the place: the model takes only its hue. */
  #grey() {
    const before = this.stage.panes?.before;
    const seen = before ? before.colourAt(this.cross) : null;
    const light = seen ? seen.slice(3, 5) : "80";
    this.#put(this.cross, `#${light}${light}${light}`);
  }

  /** @param {number} number */
  #choose(number) {
    this.set.chosen = number;
    const pin = this.set.pins[number];
    if (pin) this.cross = { x: pin.x, y: pin.y };
    if (pin) this.colour = pin.colour;
    this.#draw();
  }

  /** @param {number} [number] */
  #delete(number) {
    if (this.set.delete(number)) whisper(t("pinGone"));
    this.#draw();
  }

  #undo() {
    this.set.undo();
    this.#draw();
  }

  #centre() {
    const view = this.stage.view();
    this.cross = { x: Math.round(view.x * this.#width()), y: Math.round(view.y * this.#height()) };
    this.#draw();
  }

  /**
   * @param {number} right
   * @param {number} down
   * @param {boolean} small
   */
  #move(right, down, small) {
    const lead = this.stage.lead;
    if (!lead) return;
    const step = Math.max(1, ((small ? 2 : STEP_PX) / lead.scale()) * this.#factor(lead));
    const clamp = (/** @type {number} */ value, /** @type {number} */ end) => Math.round(Math.min(end - 1, Math.max(0, value)));
    this.cross = {
      x: clamp(this.cross.x + right * step, this.#width()),
      y: clamp(this.cross.y + down * step, this.#height()),
    };
    this.#draw();
    whisper(t("cross", { x: String(this.cross.x), y: String(this.cross.y) }));
  }

  #clearMarks() {
    for (const { pane, element } of this.marks) pane.loosen(element);
    this.marks = [];
  }

  #draw() {
    this.#clearMarks();
    if (!this.active) return;
    for (const pane of this.#panes()) {
      if (!pane.pyramid) continue;
      this.#mark(pane, h("div", { class: "cross" }), this.cross);
      for (const [number, pin] of this.set.pins.entries()) {
        const element = h("div", { class: number === this.set.chosen ? "pin chosen" : "pin", "data-number": number });
        element.style.backgroundColor = pin.colour;
        this.#mark(pane, element, pin);
      }
    }
    this.panel.draw(this.set, this.colour);
  }

  /**
   * @param {Pane} pane
   * @param {HTMLElement} element
   * @param {Spot} spot pixels of the master
   */
  #mark(pane, element, spot) {
    const factor = this.#factor(pane);
    pane.fasten(element, { x: spot.x / factor, y: spot.y / factor });
    this.marks.push({ pane, element });
  }

  async #preview() {
    const { picture } = this;
    if (!picture || this.set.pins.length === 0) return;
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    this.panel.say(t("pinPreviewing"));
    try {
      await this.warm;
      const url = `/api/pictures/${picture.item.id}/pins/preview`;
      const answer = await send(url, { pins: this.set.sent() }, asking.signal);
      const blob = await answer.blob();
      if (asking.signal.aborted) return;
      this.#forgetPreview();
      this.previewed = URL.createObjectURL(blob);
      await this.stage.show(picture, this.previewed);
      this.#draw();
      this.panel.say(t("pinPreviewed"));
    } catch (error) {
      if (asking.signal.aborted) return;
      this.panel.say(error instanceof ApiError ? t("wrong", { why: error.message }) : String(error));
    }
  }

  async #save() {
    const { picture } = this;
    if (!picture || this.set.pins.length === 0) return;
    try {
      const { work } = await post(`/api/pictures/${picture.item.id}/pins`, { pins: this.set.sent() });
      await this.#follow(work, picture.item.id);
    } catch (error) {
      this.panel.say(error instanceof ApiError ? t("wrong", { why: error.message }) : String(error));
    }
  }

  /**
   * Tell how the work stands until it is done.
   * @param {string} work
   * @param {string} id the picture's
   */
  async #follow(work, id) {
    for (;;) {
      const state = await get(`/api/pins/${work}`).catch((error) => {
        if (error instanceof ApiError && error.status === 0) return { state: "queued" };
        throw error;
      });
      const here = this.picture?.item.id === id;
      const text = t(`pin${state.state}`, { why: String(state.why ?? "") });
      if (here) this.panel.say(text);
      if (state.state === "failed") {
        if (!here) say(text);
        return;
      }
      if (state.state === "done") {
        say(text);
        if (here) this.made(state.id ?? id);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether it meant something here
   */
  key(event) {
    const target = event.target;
    const onControl = target instanceof HTMLElement && target.matches("button, input, a, summary, img-comparison-slider");
    if (onControl && (event.key === "Enter" || event.key === " ")) return false;
    const small = event.shiftKey;
    const plain = small && event.key.startsWith("Arrow") ? new KeyboardEvent("keydown", { key: event.key }) : event;
    const deed = this.#deeds(small)[this.desk.keys.match(plain, ["pins"])];
    if (!deed) return false;
    deed();
    return true;
  }

  /**
   * @param {boolean} small
   * @returns {Record<string, () => void>}
   */
  #deeds(small) {
    return {
      "pin.set": () => this.#put(this.cross, this.colour),
      "pin.left": () => this.#move(-1, 0, small),
      "pin.right": () => this.#move(1, 0, small),
      "pin.up": () => this.#move(0, -1, small),
      "pin.down": () => this.#move(0, 1, small),
      "pin.dropper": () => this.#pickAtCross(),
      "pin.grey": () => this.#grey(),
      "pin.choose": () => {
        this.set.choose();
        this.#choose(this.set.chosen);
      },
      "pin.delete": () => this.#delete(),
      "pin.undo": () => this.#undo(),
      "pin.preview": () => this.#preview(),
      "pin.save": () => this.#save(),
      "pin.leave": () => this.leave(),
    };
  }

  #pickAtCross() {
    const panes = this.stage.panes;
    if (!panes) return;
    const pane = this.stage.held ? panes.before : panes.after;
    const factor = this.#factor(pane);
    this.#pickUp(pane, { x: this.cross.x / factor, y: this.cross.y / factor });
  }
}
