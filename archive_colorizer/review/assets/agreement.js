// How far reviewers agree, in figures.

import { get } from "../web/api.js";
import { button, h } from "../web/dom.js";
import { number, t } from "../web/i18n.js";

/**
 * Draw the figures into a dialog.
 * @param {HTMLDialogElement} dialog
 */
export async function drawAgreement(dialog) {
  const figures = await get("/api/agreement");
  const { pairs, agreed, kappa, honeypots } = figures;
  /** @type {[string, string][]} */
  const lines = [
    ["pairs", number(pairs)],
    ["agreed", pairs ? `${t("outOf", { n: agreed, all: pairs })} (${number(agreed / pairs, { style: "percent" })})` : t("noFigure")],
    ["kappa", kappa === null || kappa === undefined ? t("noFigure") : number(kappa, { maximumFractionDigits: 2 })],
  ];
  if (honeypots?.shown) lines.push(["honeypots", t("outOf", { n: honeypots.right, all: honeypots.shown })]);
  dialog.setAttribute("aria-labelledby", "agreement-title");
  dialog.replaceChildren(
    h(
      "div",
      { class: "sheet-of-words" },
      h(
        "div",
        { class: "row apart" },
        h("h2", { id: "agreement-title" }, t("agreement")),
        button(t("close"), () => dialog.close(), { icon: "close", iconOnly: true, class: "button quiet" }),
      ),
      h("p", { class: "soft small" }, t("agreementHelp")),
      h("dl", { class: "figures-list" }, ...lines.map(([key, value]) => h("div", {}, h("dt", {}, t(key)), h("dd", { class: "figures" }, value)))),
    ),
  );
}
