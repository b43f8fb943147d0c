// All that is known of a picture: verdicts, flags, every field of its row, its history.

import { h, icon } from "../web/dom.js";
import { moment, number, pick, t } from "../web/i18n.js";
import { badge, doubtText, word, wordOf } from "./badges.js";

/**
 * @typedef {import("./types.js").Picture} Picture
 * @typedef {import("./types.js").Session} Session
 * @typedef {import("./types.js").Decision} Decision
 */

/**
 * @param {HTMLElement} place
 * @param {Session} session
 * @param {Picture} picture
 */
export function drawDetails(place, session, picture) {
  const { item } = picture;
  const open = place.querySelector("details.record")?.hasAttribute("open") ?? false;
  place.replaceChildren(
    h("p", { class: "path small soft" }, item.path),
    item.status === "ok" ? "" : section(t("status"), badge(item.status), h("p", {}, pick(item.why))),
    section(t("own"), ...ownVerdict(session, picture)),
    item.status === "ok" ? section(t("others"), ...others(session, picture)) : "",
    item.doubt === null ? "" : section(t("doubt"), meter(item.doubt)),
    item.flags.length > 0 ? section(t("flags"), flags(session, item.flags)) : "",
    item.status === "ok" && item.why ? h("p", { class: "small" }, pick(item.why)) : "",
    record(t("record"), picture.row, open),
    section(t("history"), ...history(picture.history)),
  );
}

/**
 * @param {string} title
 * @param {...(Node | string)} children
 */
function section(title, ...children) {
  return h("section", { class: "fact-group" }, h("h2", {}, title), ...children);
}

/**
 * @param {Session} session
 * @param {Decision} decision
 * @param {string} who
 */
function decisionLine(session, decision, who) {
  const reason = session.reasons.find((one) => one.id === decision.reason);
  return h(
    "div",
    { class: "decision" },
    h("div", { class: "row" }, badge(decision.verdict), reason ? h("span", {}, pick(reason)) : null),
    decision.note ? h("p", { class: "note" }, decision.note) : null,
    h("p", { class: "small soft" }, [who, decision.decided_at_us ? moment(decision.decided_at_us) : ""].filter(Boolean).join(", ")),
  );
}

/**
 * @param {Session} session
 * @param {Picture} picture
 */
function ownVerdict(session, picture) {
  const { own, item } = picture;
  if (own && own.verdict === item.verdict) return [decisionLine(session, own, "")];
  return [badge(item.verdict ?? "none")];
}

/**
 * @param {Session} session
 * @param {Picture} picture
 */
function others(session, picture) {
  const hidden = session.role === "reviewer" && !picture.item.verdict;
  if (hidden) return [h("p", { class: "small soft" }, t("othersHidden"))];
  if (picture.others.length === 0) return [h("p", { class: "small soft" }, t("othersNone"))];
  return picture.others.map((one) => decisionLine(session, one, one.reviewer));
}

/** @param {number} doubt */
function meter(doubt) {
  const bar = h("div", { class: "meter", "aria-hidden": "true" }, h("div", { class: "meter-fill" }));
  const fill = bar.firstElementChild;
  if (fill instanceof HTMLElement) fill.style.inlineSize = `${Math.round(Math.min(1, doubt) * 100)}%`;
  return h("div", { class: "row" }, bar, h("span", { class: "figures" }, doubtText(doubt)));
}

/**
 * @param {Session} session
 * @param {string[]} names
 */
function flags(session, names) {
  const lines = names.map((name) => h("li", { class: "row top" }, icon("flag"), h("span", {}, wordOf(session, "flag", name))));
  return h("ul", { class: "flags" }, ...lines);
}

/**
 * @param {string} title
 * @param {Record<string, unknown>} row
 * @param {boolean} open
 */
function record(title, row, open) {
  const list = h("dl", { class: "fields" });
  for (const [name, value] of Object.entries(row)) {
    const text = told(value);
    if (text) list.append(h("div", {}, h("dt", { lang: "en" }, name), h("dd", {}, text)));
  }
  return h("details", { class: "record", open }, h("summary", {}, title), list);
}

/** @param {unknown} value */
function told(value) {
  if (value === null || value === undefined || value === "") return "";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : number(value, { maximumFractionDigits: 4 });
  if (typeof value === "object") return JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, " ");
  return String(value);
}

/** @param {Record<string, unknown>[]} rows */
function history(rows) {
  if (rows.length === 0) return [h("p", { class: "small soft" }, t("historyNone"))];
  const shown = rows.map((row) => {
    const facts = Object.entries(row)
      .filter(([name]) => name !== "row_id" && name !== "status")
      .map(([, value]) => told(value))
      .filter(Boolean);
    return h("li", { class: "decision small" }, row.status ? `${word(String(row.status))}: ` : "", facts.join(", "));
  });
  return [h("ol", {}, ...shown)];
}
