// Signing in: by name and password, or by the token that the command shows.

import { ApiError, post } from "../web/api.js";
import { h } from "../web/dom.js";
import { t } from "../web/i18n.js";

/**
 * Make the form.
 * @param {string} needs password or token
 * @param {() => void} entered
 */
export function loginView(needs, entered) {
  const failed = h("p", { class: "error", role: "alert", hidden: true });
  const name = h("input", { class: "input", name: "name", autocomplete: "username", required: true });
  const secret = h("input", {
    class: "input",
    type: "password",
    name: "secret",
    autocomplete: needs === "token" ? "one-time-code" : "current-password",
    required: true,
  });
  const byToken = needs === "token";
  const form = h(
    "form",
    { class: "login-form" },
    h("h1", {}, t("desk")),
    byToken ? h("p", { class: "soft" }, t("tokenHelp")) : null,
    byToken ? null : h("label", { class: "field" }, h("span", {}, t("name")), name),
    h("label", { class: "field" }, h("span", {}, t(byToken ? "token" : "password")), secret),
    failed,
    h("button", { class: "button main", type: "submit" }, t("signIn")),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    failed.hidden = true;
    try {
      await post("/api/login", byToken ? { token: secret.value } : { name: name.value, password: secret.value });
    } catch (error) {
      const wrong = error instanceof ApiError && error.status === 401;
      failed.textContent = wrong ? t("signInFailed") : t("wrong", { why: error instanceof Error ? error.message : "" });
      failed.hidden = false;
      secret.select();
      return;
    }
    entered();
  });
  return h("main", { class: "login", id: "main" }, form);
}
