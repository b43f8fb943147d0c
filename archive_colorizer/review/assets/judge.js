// The verdicts: one key each; a rejection asks for its reason, and a note if there is one.

import { button, h } from "../web/dom.js";
import { knows, pick, t } from "../web/i18n.js";
import { badge } from "./badges.js";

/**
 * @typedef {import("./types.js").Item} Item
 * @typedef {import("./types.js").Verdict} Verdict
 * @typedef {import("./desk.js").Desk} Desk
 */

export class JudgeBar {
  /**
   * @param {Desk} desk
   * @param {(verdict: Verdict, reason?: string, note?: string) => void} judge
   */
  constructor(desk, judge) {
    this.desk = desk;
    this.judge = judge;
    this.own = h("div", { class: "own-verdict" });
    this.note = h("textarea", { class: "input", rows: 1, id: "note", maxlength: 1000 });
    this.buttons = [
      this.#verdict("approve", "approved", () => judge("approved"), ""),
      this.#verdict("reject", "rejected", () => this.ask(), ""),
      this.#verdict("laterDo", "later", () => judge("later"), ""),
    ];
    this.reasons = this.#reasons();
    this.element = h(
      "section",
      { class: "judge", "aria-label": t("own") },
      this.reasons,
      this.own,
      h("div", { class: "row verdicts" }, ...this.buttons),
      this.#verdict("undo", "undo", () => desk.undo(), "quiet"),
    );
  }

  /**
   * @param {string} label
   * @param {string} picture
   * @param {() => void} press
   * @param {string} look
   */
  #verdict(label, picture, press, look) {
    const made = button(t(label), press, { icon: picture, class: `button verdict ${look}` });
    const key = this.desk.keys.shown(label === "laterDo" ? "later" : label);
    if (key) made.append(h("kbd", { "aria-hidden": "true" }, key));
    return made;
  }

  #reasons() {
    const choices = this.desk.session.reasons.map((reason) => {
      const short = `key.reason.${reason.id}`;
      const made = button(knows(short) ? t(short) : pick(reason), () => this.#reject(reason.id), {
        class: "button reason",
        title: pick(reason),
      });
      const key = this.desk.keys.shown(`reason.${reason.id}`);
      if (key) made.append(h("kbd", { "aria-hidden": "true" }, key));
      return made;
    });
    const noteKey = this.desk.keys.shown("reason.note");
    return h(
      "div",
      { class: "reasons", role: "dialog", "aria-labelledby": "why", hidden: true },
      h(
        "div",
        { class: "row apart" },
        h("h2", { id: "why" }, t("why")),
        button(t("cancel"), () => this.cancel(), { icon: "close", iconOnly: true, class: "button quiet" }),
      ),
      h("div", { class: "reason-choices" }, ...choices),
      h(
        "label",
        { class: "field" },
        h("span", { class: "row" }, t("note"), h("kbd", { "aria-hidden": "true" }, noteKey), h("span", { class: "soft" }, t("noteHelp"))),
        this.note,
      ),
    );
  }

  /** @param {Item} item */
  show(item) {
    for (const made of this.buttons) made.disabled = item.status !== "ok" || !item.sha256;
    this.own.replaceChildren(badge(item.status === "ok" ? (item.verdict ?? "none") : item.status));
  }

  get asking() {
    return !this.reasons.hidden;
  }

  /** Ask why. */
  ask() {
    if (this.buttons[1]?.disabled) return;
    this.note.value = "";
    this.reasons.hidden = false;
    const first = this.reasons.querySelector("button.reason");
    if (first instanceof HTMLElement) first.focus();
  }

  cancel() {
    if (!this.asking) return;
    this.reasons.hidden = true;
    if (document.activeElement === document.body) this.buttons[1]?.focus();
  }

  /** @param {string} reason */
  #reject(reason) {
    this.reasons.hidden = true;
    this.judge("rejected", reason, this.note.value.trim());
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether it meant something here
   */
  key(event) {
    if (!this.asking) return false;
    const inNote = event.target === this.note;
    if (inNote) {
      if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return false;
      const first = this.reasons.querySelector("button.reason");
      if (first instanceof HTMLElement) first.focus();
      return true;
    }
    const action = this.desk.keys.match(event, ["reason"]);
    if (action === "reason.cancel") this.cancel();
    else if (action === "reason.note") this.note.focus();
    else if (action) this.#reject(action.replace("reason.", ""));
    else return event.key !== "Tab" && event.key !== "Enter" && event.key !== " " && !event.key.startsWith("Shift");
    return true;
  }
}
