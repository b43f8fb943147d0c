// Original and coloured picture together: by slider, side by side in step, or one by one.

import { h } from "../web/dom.js";
import { t } from "../web/i18n.js";
import { Pane } from "./pane.js";

/**
 * @typedef {import("./types.js").Picture} Picture
 * @typedef {import("./pane.js").View} View
 * @typedef {"slider" | "side" | "toggle"} Mode
 * @typedef {HTMLElement & { value: number }} Slider
 */

/** @type {readonly Mode[]} */
export const MODES = ["slider", "side", "toggle"];
const KEPT = "archive-colorizer.mode";
const STEP = 0.18;

/** @returns {Mode} */
function keptMode() {
  const kept = localStorage.getItem(KEPT);
  return MODES.find((mode) => mode === kept) ?? "slider";
}

/**
 * The slider's own layers lie over the second pane: the pointer goes through them to the panes.
 * @param {HTMLElement} slider
 */
function letThrough(slider) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(".first, .first-overlay { pointer-events: none } ::slotted(*) { pointer-events: auto }");
  slider.shadowRoot?.adoptedStyleSheets.push(sheet);
}

/** Events: "view" (zoom or place changed), "mode". */
export class Stage extends EventTarget {
  constructor() {
    super();
    this.mode = keptMode();
    const host = () => h("div", { class: "pane" });
    this.elements = { before: host(), after: host() };
    this.slider = /** @type {Slider} */ (document.createElement("img-comparison-slider"));
    this.slider.setAttribute("handle", "true");
    this.slider.setAttribute("role", "slider");
    this.slider.setAttribute("aria-valuemin", "0");
    this.slider.setAttribute("aria-valuemax", "100");
    this.slider.append(h("div", { slot: "handle", class: "handle" }));
    letThrough(this.slider);
    this.slider.addEventListener("slide", () => this.#sayDivider());
    this.labels = {
      before: h("span", { class: "pane-label before-label" }),
      after: h("span", { class: "pane-label after-label" }),
    };
    this.element = h("div", { class: "stage" }, this.slider, this.labels.before, this.labels.after);
    this.message = h("p", { class: "stage-message", hidden: true });
    this.element.append(this.message);
    /** @type {{ before: Pane, after: Pane } | null} */
    this.panes = null;
    /** @type {Picture | null} */
    this.picture = null;
    /** @type {Record<string, boolean>} */
    this.masks = { doubt: false, glare: false };
    this.held = false;
    /** @type {Pane | undefined} the pane that moves; the other follows */
    this.driver = undefined;
  }

  /** The panes need their places in the page first. */
  open() {
    this.#place();
    this.panes = { before: new Pane(this.elements.before), after: new Pane(this.elements.after) };
    this.#link(this.panes.before, this.panes.after);
    this.#link(this.panes.after, this.panes.before);
    this.relabel();
  }

  close() {
    this.panes?.before.close();
    this.panes?.after.close();
    this.panes = null;
  }

  relabel() {
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", t("stage"));
    this.slider.setAttribute("aria-label", t("divider"));
    this.labels.before.textContent = t("before");
    this.labels.after.textContent = t("after");
    this.#sayDivider();
  }

  #sayDivider() {
    this.slider.setAttribute("aria-valuenow", String(Math.round(this.slider.value)));
  }

  /**
   * @param {Pane} leader
   * @param {Pane} follower
   */
  #link(leader, follower) {
    for (const kind of ["pointerdown", "wheel"]) {
      leader.element.addEventListener(kind, () => (this.driver = leader), { capture: true, passive: true });
    }
    leader.viewer.addHandler("viewport-change", () => {
      if (this.driver !== leader) return;
      if (follower.pyramid && leader.settled && follower.settled) follower.follow(leader);
      this.dispatchEvent(new Event("view"));
    });
  }

  /** The pane that leads: the coloured picture, or the original where there is none. */
  get lead() {
    const panes = this.panes;
    return panes && !panes.after.pyramid ? panes.before : panes?.after;
  }

  /** That pane, about to be moved by the page. */
  #drive() {
    this.driver = this.lead;
    return this.driver;
  }

  /**
   * Show a picture where the last one was looked at.
   * @param {Picture} picture
   * @param {string} [preview] shown in place of the coloured picture
   */
  async show(picture, preview) {
    if (!this.panes) return;
    const view = this.picture ? this.view() : null;
    this.picture = picture;
    const { before, after } = picture.images;
    this.message.hidden = true;
    this.element.classList.toggle("alone", !after || !before);
    this.hold(this.held);
    try {
      await Promise.all([this.panes.before.show(before), this.panes.after.show(after, preview)]);
    } catch {
      if (this.picture === picture) this.#say(t("cannotShow"));
    }
    if (this.picture !== picture) return;
    this.#place();
    if (!after) this.#say(t("noDerivative"));
    this.look(view ?? { fit: true, scale: 1, x: 0.5, y: 0.5 });
    for (const name of Object.keys(this.masks)) this.#mask(name);
  }

  /** @param {string} text */
  #say(text) {
    this.message.textContent = text;
    this.message.hidden = false;
  }

  /** Put the panes where the mode has them. */
  #place() {
    const { before, after } = this.elements;
    const alone = this.element.classList.contains("alone");
    const mode = alone ? "toggle" : this.mode;
    if (this.element.dataset.mode === mode) return;
    this.element.dataset.mode = mode;
    this.slider.hidden = mode !== "slider";
    if (mode === "slider") {
      before.slot = "first";
      after.slot = "second";
      this.slider.append(before, after);
    } else {
      before.slot = after.slot = "";
      this.element.prepend(before, after);
    }
  }

  /** @param {Mode} mode */
  setMode(mode) {
    this.mode = mode;
    localStorage.setItem(KEPT, mode);
    this.#place();
    this.hold(false);
    this.dispatchEvent(new Event("mode"));
  }

  nextMode() {
    this.setMode(MODES[(MODES.indexOf(this.mode) + 1) % MODES.length] ?? "slider");
  }

  /** @param {boolean} held whether the original is seen in place of the coloured picture */
  hold(held) {
    const { before, after } = this.picture?.images ?? { before: null, after: null };
    this.held = held;
    this.element.classList.toggle("held", (held && before !== null) || (before !== null && !after));
  }

  /** @returns {View} */
  view() {
    return this.lead?.view() ?? { fit: true, scale: 1, x: 0.5, y: 0.5 };
  }

  /**
   * @param {View} view
   * @param {boolean} [now]
   */
  look(view, now = true) {
    this.#drive()?.look(view, now);
    this.dispatchEvent(new Event("view"));
  }

  /** One pixel of the picture on one pixel of the screen. */
  full() {
    this.look({ ...this.view(), fit: false, scale: 1 / devicePixelRatio }, false);
  }

  fit() {
    this.look({ ...this.view(), fit: true }, false);
  }

  /** @param {number} factor */
  zoomBy(factor) {
    this.#drive()?.zoomBy(factor);
  }

  /**
   * @param {number} right steps
   * @param {number} down
   * @param {boolean} small
   */
  pan(right, down, small) {
    const step = this.element.clientHeight * STEP * (small ? 0.2 : 1);
    this.#drive()?.panBy(right * step, down * step);
  }

  /** @param {number} share percent */
  divide(share) {
    this.slider.value = Math.min(100, Math.max(0, this.slider.value + share));
    this.#sayDivider();
  }

  /**
   * @param {string} name doubt or glare
   * @param {boolean} on
   */
  setMask(name, on) {
    this.masks[name] = on;
    return this.#mask(name);
  }

  /** @param {string} name */
  async #mask(name) {
    const url = name === "doubt" ? this.picture?.doubt : this.picture?.glare;
    await this.panes?.after.layer(name, this.masks[name] && url ? url : null).catch(() => undefined);
  }
}
