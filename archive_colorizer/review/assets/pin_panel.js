// The tools of pinned colours: what is set, which colour comes next, preview, save.

import { button, h } from "../web/dom.js";
import { t } from "../web/i18n.js";

/**
 * @typedef {import("./pin_set.js").PinSet} PinSet
 * @typedef {import("./desk.js").Desk} Desk
 */

/** Skin, hair, wood, brick, khaki, straw, leaves, pine, sky, sea, navy, wine, cloth, stone. */
const SWATCHES = [
  "#e6b89c", "#a9714b", "#5c3a21", "#8a5a3c", "#a2523d", "#9a8f66", "#d9c48f",
  "#6b8e4e", "#3f5b3a", "#9cbcd8", "#4d7ea8", "#2b3a5c", "#7a2f3a", "#c8bfae",
]; // prettier-ignore

/**
 * @typedef {object} Doings
 * @property {(colour: string) => void} colour
 * @property {() => void} dropper
 * @property {() => void} grey
 * @property {(number: number) => void} choose
 * @property {(number?: number) => void} delete
 * @property {() => void} undo
 * @property {() => void} preview
 * @property {() => void} save
 * @property {() => void} leave
 */

export class PinPanel {
  /**
   * @param {Desk} desk
   * @param {Doings} doings
   */
  constructor(desk, doings) {
    this.doings = doings;
    this.input = h("input", { type: "color", class: "colour-input", "aria-label": t("pinColour") });
    this.input.addEventListener("input", () => doings.colour(this.input.value));
    this.list = h("ol", { class: "pin-list", "aria-label": t("pins") });
    this.status = h("p", { class: "pin-status small", role: "status" });
    /** @param {string} label @param {string} action @param {() => void} press @param {string} [picture] */
    const tool = (label, action, press, picture) => {
      const made = button(t(label), press, { ...(picture ? { icon: picture } : {}), class: "button" });
      const key = desk.keys.shown(action);
      if (key) made.append(h("kbd", { "aria-hidden": "true" }, key));
      return made;
    };
    this.dropper = tool("pinDropper", "pin.dropper", doings.dropper, "drop");
    this.dropper.setAttribute("aria-pressed", "false");
    this.save = tool("pinSave", "pin.save", doings.save);
    this.save.classList.add("main");
    this.preview = tool("pinPreview", "pin.preview", doings.preview);
    this.element = h(
      "section",
      { class: "pin-panel", "aria-label": t("pins"), hidden: true },
      h("div", { class: "row apart" }, h("h2", {}, t("pins")), this.#close()),
      h("p", { class: "small soft" }, t("pinsHelp")),
      h("div", { class: "row colour-row" }, this.input, this.dropper, tool("pinGrey", "pin.grey", doings.grey)),
      h("div", { class: "swatches", role: "group", "aria-label": t("pinColour") }, ...SWATCHES.map((colour) => this.#swatch(colour))),
      this.list,
      h("div", { class: "row wrap" }, tool("pinUndo", "pin.undo", doings.undo, "undo"), this.preview, this.save),
      this.status,
    );
  }

  #close() {
    return button(t("pinDone"), () => this.doings.leave(), { icon: "close", iconOnly: true, class: "button quiet" });
  }

  /** @param {string} colour */
  #swatch(colour) {
    const made = h("button", { type: "button", class: "swatch", "aria-label": t("pinSwatch", { colour }), title: colour });
    made.style.backgroundColor = colour;
    made.addEventListener("click", () => this.doings.colour(colour));
    return made;
  }

  /**
   * @param {PinSet} set
   * @param {string} colour what comes next
   */
  draw(set, colour) {
    this.input.value = colour;
    this.preview.disabled = set.pins.length === 0;
    this.save.disabled = set.pins.length === 0;
    const lines = set.pins.map((pin, number) => {
      const words = t("pinOne", { n: number + 1, colour: pin.colour, x: String(pin.x), y: String(pin.y) });
      const spot = h("span", { class: "spot" });
      spot.style.backgroundColor = pin.colour;
      const choose = button(words, () => this.doings.choose(number), { class: "button quiet pin-line" });
      choose.prepend(spot);
      choose.setAttribute("aria-pressed", String(number === set.chosen));
      const remove = button(`${t("pinDelete")}, ${words}`, () => this.doings.delete(number), {
        icon: "trash",
        iconOnly: true,
        class: "button quiet",
      });
      return h("li", { class: "row" }, choose, remove);
    });
    this.list.replaceChildren(...(lines.length > 0 ? lines : [h("li", { class: "small soft" }, t("pinNone"))]));
  }

  /** @param {string} text */
  say(text) {
    this.status.textContent = text;
  }
}
