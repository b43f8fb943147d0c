// The filters beside the contact sheet: each shows how many pictures it leaves.

import { button, h } from "../web/dom.js";
import { number, t } from "../web/i18n.js";
import { wordOf } from "./badges.js";
import { FILTERS } from "./list.js";

/** @typedef {import("./types.js").Session} Session */

const CHOICES = ["status", "verdict"];
const LISTS = ["error_class", "flag", "collection", "folder", "tone", "model"];
const TYPING_MS = 250;

/**
 * Make the filters.
 * @param {Session} session
 * @param {URLSearchParams} query what holds now
 * @param {(query: URLSearchParams) => void} change
 */
export function filterPanel(session, query, change) {
  /**
   * @param {string} name
   * @param {string} value
   */
  const set = (name, value) => {
    const next = new URLSearchParams(query);
    if (value) next.set(name, value);
    else next.delete(name);
    change(next);
  };
  const form = h("form", { class: "filters", "aria-label": t("filters") });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.append(search(query, set));
  for (const name of CHOICES) form.append(choice(session, name, query.get(name) ?? "", set));
  for (const name of LISTS) {
    if ((session.facets[name] ?? []).length > 0) form.append(list(session, name, query.get(name) ?? "", set));
  }
  form.append(doubt(query, set));
  if (FILTERS.some((name) => query.has(name))) {
    form.append(
      button(t("clear"), () => {
        const next = new URLSearchParams(query);
        for (const name of FILTERS) next.delete(name);
        change(next);
      }),
    );
  }
  return form;
}

/** @typedef {(name: string, value: string) => void} Setter */

/**
 * @param {URLSearchParams} query
 * @param {Setter} set
 */
function search(query, set) {
  const input = h("input", {
    class: "input",
    type: "search",
    id: "search",
    value: query.get("q") ?? "",
    autocomplete: "off",
    spellcheck: "false",
  });
  let timer = 0;
  input.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => set("q", input.value.trim()), TYPING_MS);
  });
  return h("label", { class: "field" }, h("span", {}, t("search")), input);
}

/**
 * @param {Session} session
 * @param {string} name
 * @param {string} value
 * @param {Setter} set
 */
function choice(session, name, value, set) {
  const group = h("fieldset", { class: "choices" }, h("legend", {}, t(name)));
  const counts = session.facets[name] ?? [];
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  for (const [one, count] of /** @type {[string, number][]} */ ([["", all], ...counts])) {
    const input = h("input", { type: "radio", name, value: one, checked: one === value });
    input.addEventListener("change", () => set(name, one));
    group.append(
      h(
        "label",
        { class: "choice" },
        input,
        h("span", { class: "choice-word" }, one ? wordOf(session, name, one) : t("any")),
        h("span", { class: "soft figures" }, number(count)),
      ),
    );
  }
  return group;
}

/**
 * @param {Session} session
 * @param {string} name
 * @param {string} value
 * @param {Setter} set
 */
function list(session, name, value, set) {
  const select = h("select", { class: "input", name }, h("option", { value: "" }, t("any")));
  for (const [one, count] of session.facets[name] ?? []) {
    const text = `${wordOf(session, name, one)} (${number(count)})`;
    select.append(h("option", { value: one, selected: one === value }, text));
  }
  select.addEventListener("change", () => set(name, select.value));
  return h("label", { class: "field" }, h("span", {}, t(name)), select);
}

/**
 * @param {URLSearchParams} query
 * @param {Setter} set
 */
function doubt(query, set) {
  const value = Number(query.get("doubt_min") ?? 0);
  const shown = h("output", { class: "figures" }, value.toFixed(2));
  const input = h("input", { type: "range", min: 0, max: 1, step: 0.05, value, name: "doubt_min" });
  input.addEventListener("input", () => {
    shown.textContent = Number(input.value).toFixed(2);
  });
  input.addEventListener("change", () => set("doubt_min", Number(input.value) > 0 ? input.value : ""));
  return h("label", { class: "field" }, h("span", { class: "row apart" }, t("doubt_min"), shown), input);
}
