// The end of a list: it says so, and offers what is left.

import { button, h } from "../web/dom.js";
import { t } from "../web/i18n.js";
import { countOf, PictureList, tidy } from "./list.js";

/** @typedef {import("./desk.js").Desk} Desk */

/**
 * Show that the last picture is passed.
 * @param {HTMLElement} place
 * @param {Desk} desk
 * @param {PictureList} list
 */
export async function drawEnd(place, desk, list) {
  place.hidden = false;
  const heading = h("h2", { tabindex: -1 }, t("end"));
  place.replaceChildren(heading);
  heading.focus();
  const base = tidy(list.query);
  base.delete("verdict");
  let left = 0;
  let later = 0;
  try {
    await desk.outbox.flush();
    if (!base.has("look")) [left, later] = await Promise.all([countOf(base, "none"), countOf(base, "later")]);
  } catch (error) {
    desk.fail(error);
  }
  if (place.hidden) return;
  /** @param {string} verdict */
  const go = async (verdict) => {
    const query = new URLSearchParams(base);
    query.set("verdict", verdict);
    const next = new PictureList(query);
    await next.ensure(0, 1);
    const first = next.at(0);
    if (first) desk.openPicture(next, first.id);
  };
  const back = button(t("back"), () => desk.openSheet(list.query), { class: "button" });
  place.append(
    h("p", {}, left > 0 ? t("endLeft", { n: left }) : t("endDone")),
    later > 0 ? h("p", {}, t("endLater", { n: later })) : "",
    h(
      "div",
      { class: "row" },
      left > 0 && desk.isReviewer ? button(t("goLeft"), () => go("none"), { class: "button main" }) : null,
      later > 0 && desk.isReviewer ? button(t("goLater"), () => go("later")) : null,
      back,
    ),
  );
  const first = place.querySelector("button");
  if (first) first.focus();
}
