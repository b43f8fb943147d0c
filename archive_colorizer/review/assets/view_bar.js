// How a picture is looked at: mode, zoom, overlays, details, pins.

import { button, h } from "../web/dom.js";
import { number, t } from "../web/i18n.js";
import { MODES } from "./stage.js";

/**
 * @typedef {import("./types.js").Picture} Picture
 * @typedef {import("./stage.js").Stage} Stage
 * @typedef {import("./desk.js").Desk} Desk
 */

export class ViewBar {
  /**
   * @param {Desk} desk
   * @param {Stage} stage
   * @param {{ pins: () => void, details: () => void }} doings
   */
  constructor(desk, stage, doings) {
    this.desk = desk;
    this.stage = stage;
    /** @type {Record<string, HTMLButtonElement>} */
    this.buttons = {};
    this.scale = h("output", { class: "scale figures", "aria-label": t("zoom") });
    const tool = this.#tool.bind(this);
    this.element = h(
      "div",
      { class: "view-bar", role: "group", "aria-label": t("compare") },
      h(
        "div",
        { class: "row modes", role: "radiogroup", "aria-label": t("compare") },
        ...MODES.map((mode) => this.#mode(mode)),
      ),
      h(
        "div",
        { class: "row zooms", role: "group", "aria-label": t("zoom") },
        tool("zoomOut", "minus", () => stage.zoomBy(1 / 1.4)),
        this.scale,
        tool("zoomIn", "plus", () => stage.zoomBy(1.4)),
        tool("fit", "fit", () => stage.fit()),
        button(t("full"), () => stage.full(), { class: "button quiet", title: this.#hint("full", "full") }),
      ),
      h(
        "div",
        { class: "row", role: "group", "aria-label": t("overlays") },
        tool("doubtMap", "doubt", () => this.mask("doubt"), true),
        tool("glareMask", "glare", () => this.mask("glare"), true),
        desk.isReviewer ? tool("pins", "pin", doings.pins, true) : null,
        tool("details", "panel", doings.details, true),
      ),
    );
    stage.addEventListener("view", () => this.#tellScale());
    stage.addEventListener("mode", () => this.#tellMode());
    this.#tellMode();
  }

  /**
   * @param {string} label
   * @param {string} action
   */
  #hint(label, action) {
    const key = this.desk.keys.shown(action);
    return key ? `${t(label)} (${key})` : t(label);
  }

  /** @param {import("./stage.js").Mode} mode */
  #mode(mode) {
    const made = button(t(mode), () => this.stage.setMode(mode), { icon: mode, class: "button quiet mode", role: "radio" });
    made.title = this.#hint(mode, "mode");
    made.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      const next = MODES[(MODES.indexOf(mode) + by + MODES.length) % MODES.length] ?? mode;
      this.stage.setMode(next);
      this.buttons[next]?.focus();
    });
    this.buttons[mode] = made;
    return made;
  }

  /**
   * @param {string} id
   * @param {string} picture
   * @param {() => void} press
   * @param {boolean} [toggles]
   */
  #tool(id, picture, press, toggles = false) {
    const made = button(t(id), press, { icon: picture, iconOnly: true, class: "button quiet" });
    made.title = this.#hint(id, id);
    if (toggles) made.setAttribute("aria-pressed", "false");
    this.buttons[id] = made;
    return made;
  }

  #tellMode() {
    for (const mode of MODES) {
      const on = mode === this.stage.mode;
      this.buttons[mode]?.setAttribute("aria-checked", String(on));
      this.buttons[mode]?.setAttribute("tabindex", on ? "0" : "-1");
    }
  }

  #tellScale() {
    const scale = this.stage.lead?.scale() ?? 1;
    this.scale.textContent = number(scale * devicePixelRatio, { style: "percent" });
  }

  /** @param {Picture} picture */
  show(picture) {
    const has = { doubtMap: picture.doubt, glareMask: picture.glare, pins: picture.images.after };
    for (const [id, thing] of Object.entries(has)) {
      const made = this.buttons[id];
      if (made) made.disabled = !thing;
    }
  }

  /**
   * @param {string} id
   * @param {boolean} on
   */
  pressed(id, on) {
    this.buttons[id]?.setAttribute("aria-pressed", String(on));
  }

  /** Lay a mask over the picture, or take it off. @param {"doubt" | "glare"} name */
  mask(name) {
    const on = !this.stage.masks[name];
    this.pressed(name === "doubt" ? "doubtMap" : "glareMask", on);
    this.stage.setMask(name, on);
  }
}
