// The line at the top: which job, what is unsent, language, keys, leaving.

import { reach } from "../web/api.js";
import { button, byId, h } from "../web/dom.js";
import { language, setLanguage, t } from "../web/i18n.js";

/** @typedef {import("./desk.js").Desk} Desk */

const PATIENCE_MS = 1500;

export class Head {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.element = byId("head", HTMLElement);
    this.timer = 0;
    this.unsent = h("p", { class: "unsent", role: "status" });
  }

  hide() {
    this.element.hidden = false;
    this.element.replaceChildren(h("div", { class: "head-tools" }, this.#language()));
  }

  #language() {
    const other = language() === "ko" ? "en" : "ko";
    const made = button(t("language"), () => {
      setLanguage(other);
      this.desk.redraw();
      document.getElementById("language")?.focus();
    }, { class: "button quiet", lang: other }); // prettier-ignore
    made.id = "language";
    return made;
  }

  draw() {
    const { desk } = this;
    const { job, reviewer } = desk.session;
    this.element.hidden = false;
    this.element.replaceChildren(
      h("p", { class: "brand" }, t("desk")),
      h("p", { class: "job soft", title: job.output }, job.output),
      this.unsent,
      h(
        "nav",
        { class: "head-tools", "aria-label": t("desk") },
        button(t("agreement"), () => desk.showAgreement(), { icon: "people", class: "button quiet" }),
        button(t("keys"), () => desk.showKeys(), { icon: "keys", class: "button quiet" }),
        this.#language(),
        h("span", { class: "reviewer soft" }, reviewer),
        button(t("leave"), () => desk.leave(), { icon: "leave", iconOnly: true, class: "button quiet" }),
      ),
    );
    this.tellUnsent();
  }

  /** Say how many verdicts wait to be sent; said only once one has waited a while. */
  tellUnsent() {
    this.desk.stale = true;
    const n = this.desk.outbox.waiting().length;
    window.clearTimeout(this.timer);
    if (n === 0 || !reach.online) this.unsent.textContent = n > 0 ? t("unsent", { n }) : "";
    else this.timer = window.setTimeout(() => (this.unsent.textContent = t("unsent", { n })), PATIENCE_MS);
  }
}
