// A verdict or status as a shape with its word.

import { h, icon } from "../web/dom.js";
import { knows, number, pick, t } from "../web/i18n.js";

/**
 * @typedef {import("./types.js").Item} Item
 * @typedef {import("./types.js").Session} Session
 */

/**
 * @param {string} what a verdict or a status
 * @param {string} [text] in place of its word
 */
export function badge(what, text) {
  return h("span", { class: "badge", "data-what": what }, icon(what), h("span", {}, text ?? word(what)));
}

/** @param {string} value of a facet; its word where there is one */
export function word(value) {
  return knows(value) ? t(value) : value;
}

/**
 * The word for a value of a column: the page's own for the few, else what the server says.
 * @param {Session} session
 * @param {string} column
 * @param {string} value
 */
export function wordOf(session, column, value) {
  if (["status", "verdict", "tone"].includes(column)) return word(value);
  return pick(session.words[column]?.[value]) || value;
}

/** @param {string} path its last part */
export function fileName(path) {
  return path.slice(path.lastIndexOf("/") + 1) || path;
}

/** @param {Item} item */
export function nameOf(item) {
  return item.page > 0 ? `${fileName(item.path)}, ${t("page", { n: item.page + 1 })}` : fileName(item.path);
}

/** @param {number | null} doubt */
export function doubtText(doubt) {
  return doubt === null ? "" : number(doubt, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
