// The key page: what each key does, and another key for it.

import { button, h } from "../web/dom.js";
import { t } from "../web/i18n.js";
import { keyName, shownKey } from "../web/keys.js";

/**
 * @typedef {import("../web/keys.js").Keys} Keys
 * @typedef {import("../web/keys.js").Action} Action
 */

/**
 * Draw the keys into a dialog.
 * @param {HTMLDialogElement} dialog
 * @param {Keys} keys
 * @param {() => void} changed
 */
export function drawKeys(dialog, keys, changed) {
  const told = h("p", { class: "key-told", role: "status" });
  const redraw = () => {
    drawKeys(dialog, keys, changed);
    changed();
  };
  const groups = [...new Set(keys.actions.map((action) => action.scope))].map((scope) => {
    const rows = keys.actions.filter((action) => action.scope === scope).map((action) => line(action, keys, told, redraw));
    return h("section", { class: "key-group" }, h("h3", {}, t(`scope.${scope}`)), h("dl", { class: "keys" }, ...rows));
  });
  const reset = button(t("keysReset"), () => {
    keys.reset();
    redraw();
  });
  dialog.setAttribute("aria-labelledby", "keys-title");
  dialog.replaceChildren(
    h(
      "div",
      { class: "sheet-of-words" },
      h(
        "div",
        { class: "row apart" },
        h("h2", { id: "keys-title" }, t("keys")),
        button(t("close"), () => dialog.close(), { icon: "close", iconOnly: true, class: "button quiet" }),
      ),
      h("p", { class: "soft small" }, t("keysHelp")),
      told,
      h("div", { class: "key-groups" }, ...groups),
      h("div", {}, reset),
    ),
  );
}

/**
 * @param {Action} action
 * @param {Keys} keys
 * @param {HTMLElement} told
 * @param {() => void} redraw
 */
function line(action, keys, told, redraw) {
  const what = t(`key.${action.id}`);
  const shown = keys.of(action.id).map((key) => h("kbd", {}, shownKey(key)));
  const change = button(t("keyChange"), () => listen(), { class: "button quiet small", "aria-label": t("keyChangeOf", { what }) });
  const listen = () => {
    change.textContent = t("keyPress");
    change.addEventListener("keydown", take);
    change.addEventListener("blur", stop, { once: true });
  };
  const stop = () => {
    change.textContent = t("keyChange");
    change.removeEventListener("keydown", take);
  };
  /** @param {KeyboardEvent} event */
  const take = (event) => {
    const key = keyName(event);
    if (!key || key === "Tab" || key === "Shift+Tab") return;
    event.preventDefault();
    event.stopPropagation();
    const other = keys.conflict(action.id, key);
    if (other && other.id !== action.id) {
      told.textContent = t("keyTaken", { key: shownKey(key), what: t(`key.${other.id}`) });
      return;
    }
    stop();
    keys.change(action.id, key);
    redraw();
    const said = document.querySelector(".key-told");
    if (said) said.textContent = t("keyKept", { key: shownKey(key), what });
    const again = [...document.querySelectorAll("dialog .keys button")].find((one) => one.getAttribute("aria-label") === change.getAttribute("aria-label"));
    if (again instanceof HTMLElement) again.focus();
  };
  return h("div", {}, h("dt", {}, what), h("dd", { class: "row" }, ...shown, change));
}
