// The desk: the session, what is in view, what goes on beside it.

import { ApiError, get, post, reach, setCsrf } from "../web/api.js";
import { byId, isTyping } from "../web/dom.js";
import { t } from "../web/i18n.js";
import { Keys } from "../web/keys.js";
import { drawAgreement } from "./agreement.js";
import { Head } from "./head.js";
import { drawKeys } from "./key_page.js";
import { ACTIONS } from "./key_words.js";
import { PictureList, tidy } from "./list.js";
import { loginView } from "./login.js";
import { say } from "./notices.js";
import { Outbox } from "./outbox.js";
import { PictureView } from "./picture.js";
import { SheetView } from "./sheet.js";

/**
 * @typedef {import("./types.js").Session} Session
 * @typedef {import("./types.js").Outgoing} Outgoing
 */

const PING_MS = 3000;

export class Desk {
  constructor() {
    this.keys = new Keys(ACTIONS);
    this.place = byId("view", HTMLElement);
    this.dialog = byId("dialog", HTMLDialogElement);
    this.head = new Head(this);
    /** @type {SheetView | PictureView | null} */
    this.view = null;
    /** @type {Session} */
    this.session = /** @type {any} */ (null);
    /** @type {Outbox} */
    this.outbox = /** @type {any} */ (null);
    this.lastNumber = 0;
    this.stale = false;
    this.needs = "";
    this.fail = this.fail.bind(this);
  }

  get isReviewer() {
    return this.session.role === "reviewer";
  }

  async start() {
    this.#label();
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("keyup", (event) => this.view?.keyUp(event));
    window.addEventListener("hashchange", () => this.route());
    window.addEventListener("blur", () => this.#letGo());
    reach.addEventListener("reach", () => this.#reach());
    await this.enter();
  }

  /** Held keys whose release went to another window. */
  #letGo() {
    if (this.view instanceof PictureView && this.view.stage.held) this.view.stage.hold(false);
    if (this.view instanceof SheetView) this.view.grid.originals(false);
  }

  #label() {
    document.title = t("desk");
    byId("skip", HTMLElement).textContent = t("skip");
    byId("offline", HTMLElement).textContent = t("offline");
  }

  /** Ask who is here; show the sheet, or the form to sign in. */
  async enter() {
    try {
      await this.refresh();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#signIn(String(error.body.needs ?? "token"));
      else this.fail(error);
      return;
    }
    this.needs = "";
    this.outbox?.close();
    this.outbox = new Outbox(this.session.reviewer);
    this.outbox.addEventListener("change", () => this.head.tellUnsent());
    this.outbox.addEventListener("leave", () => this.enter());
    this.outbox.addEventListener("stale", () => this.refresh().catch(this.fail));
    this.outbox.addEventListener("refused", (event) => this.#refused(/** @type {CustomEvent} */ (event).detail));
    this.head.draw();
    this.route();
    this.outbox.flush();
  }

  async refresh() {
    this.session = await get("/api/session");
    setCsrf(this.session.csrf);
    this.stale = false;
  }

  /** @param {string} needs */
  #signIn(needs) {
    this.needs = needs;
    this.#put(null, loginView(needs, () => this.enter()));
    this.head.hide();
    this.place.querySelector("input")?.focus();
  }

  /** Leave, and show the form to sign in. */
  async leave() {
    await this.outbox.flush();
    await post("/api/logout").catch(this.fail);
    this.enter();
  }

  /** Show what the address says. */
  route() {
    const [, what = "", id = ""] = /^#\/(?:(picture)\/([0-9a-f]+))?/.exec(location.hash) ?? [];
    if (what) {
      if (!(this.view instanceof PictureView && this.view.picture?.item.id === id)) this.#picture(this.#list(), id);
    } else this.#sheet(new URLSearchParams(location.hash.split("?")[1] ?? ""));
  }

  #list() {
    return this.view?.list ?? new PictureList(new URLSearchParams());
  }

  /**
   * @param {URLSearchParams} query
   * @param {string} [from] id of the picture to come back to
   */
  openSheet(query, from = "") {
    const next = `#/?${tidy(query)}`;
    if (location.hash !== next) history.pushState(null, "", next);
    this.#sheet(query, from);
  }

  /**
   * @param {URLSearchParams} query
   * @param {string} [from]
   */
  async #sheet(query, from = "") {
    if (this.stale || this.outbox.waiting().length > 0) {
      await this.outbox.flush();
      await this.refresh().catch(this.fail);
    }
    const restore = focusKept();
    const view = new SheetView(this, query, from);
    this.#put(view, view.element);
    restore();
    await view.open();
  }

  /**
   * @param {PictureList} list
   * @param {string} id
   */
  openPicture(list, id) {
    history.pushState(null, "", `#/picture/${id}`);
    this.#picture(list, id);
  }

  /**
   * @param {PictureList} list
   * @param {string} id
   */
  async #picture(list, id) {
    if (list.total < 0) await list.ensure(0, 1).catch(this.fail);
    const view = new PictureView(this, list);
    this.#put(view, view.element);
    await view.open(id);
  }

  /** Go through the sample queue. @param {string} first id of its first picture without a verdict */
  async startQueue(first) {
    const list = new PictureList(new URLSearchParams({ queue: "1", verdict: "none" }));
    await list.ensure(0, 1).catch(this.fail);
    this.openPicture(list, first);
  }

  /**
   * @param {SheetView | PictureView | null} view
   * @param {HTMLElement} element
   */
  #put(view, element) {
    this.view?.close();
    this.view = view;
    document.body.dataset.view = view instanceof PictureView ? "picture" : view ? "sheet" : "login";
    this.place.replaceChildren(element);
  }

  /**
   * The picture in view is another: the address says so, without a step of its own.
   * @param {string} id
   * @param {number} number
   */
  shown(id, number) {
    if (number >= 0) this.lastNumber = number;
    history.replaceState(null, "", `#/picture/${id}`);
  }

  /** Take the last verdict back. */
  async undo() {
    if (!this.isReviewer) return;
    const unsent = this.outbox.withdraw();
    if (unsent) {
      await this.#tookBack(unsent.id, null);
      return;
    }
    try {
      await this.outbox.flush();
      const { id, restored } = await post("/api/undo");
      await this.#tookBack(id, typeof restored === "string" ? restored : (restored?.verdict ?? null));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) say(t("nothingToUndo"));
      else this.fail(error);
    }
  }

  /**
   * @param {string} id
   * @param {string | null} verdict
   */
  async #tookBack(id, verdict) {
    this.stale = true;
    if (this.view instanceof PictureView) await this.view.takenBack(id, verdict);
    else if (this.view) this.openPicture(this.view.list, id);
  }

  togglePins() {
    if (this.view instanceof PictureView) this.view.togglePins();
  }

  /** @param {{ outgoing: Outgoing, error: ApiError }} detail */
  #refused({ outgoing, error }) {
    const anew = error.status === 409 || error.status === 404;
    if (anew && this.view instanceof PictureView) this.view.another(outgoing).catch(this.fail);
    else say(anew ? t("anotherOf", { name: outgoing.path }) : t("refused", { why: error.message }));
  }

  /** Say what went wrong. @param {unknown} error */
  fail(error) {
    if (error instanceof ApiError && error.status === 401) {
      if (!this.needs) this.#signIn(String(error.body.needs ?? "token"));
    } else if (error instanceof ApiError && error.status === 429) say(t("tooMany"));
    else if (!(error instanceof ApiError) || error.status !== 0) {
      say(t("wrong", { why: error instanceof Error ? error.message : String(error) }));
    }
  }

  /** The server answers again, or no longer; while it does not, it is asked now and then. */
  #reach() {
    byId("offline", HTMLElement).hidden = reach.online;
    if (reach.online) {
      say(t("online"));
      if (!this.view && !this.needs) this.enter();
      return;
    }
    const ask = () => {
      if (reach.online) return;
      get("/healthz").catch(() => undefined);
      window.setTimeout(ask, PING_MS);
    };
    window.setTimeout(ask, PING_MS);
  }

  /** Draw everything again in another language, or with other keys. */
  redraw() {
    this.#label();
    if (!this.session || this.needs) {
      this.#signIn(this.needs);
      return;
    }
    this.head.draw();
    const { view } = this;
    if (view instanceof PictureView && view.picture) this.#picture(view.list, view.picture.item.id);
    else this.route();
  }

  async showKeys() {
    drawKeys(this.dialog, this.keys, () => this.redraw());
    if (!this.dialog.open) this.dialog.showModal();
  }

  async showAgreement() {
    try {
      await drawAgreement(this.dialog);
      this.dialog.showModal();
    } catch (error) {
      this.fail(error);
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.view || this.dialog.open || event.defaultPrevented) return;
    let done = this.view.key(event);
    if (!done && !isTyping(event.target)) done = this.#everywhere(this.keys.match(event, ["everywhere"]));
    if (done) event.preventDefault();
  }

  /** @param {string} action */
  #everywhere(action) {
    if (action === "help") this.showKeys();
    else if (action === "undo") this.undo();
    else return false;
    return true;
  }
}

/** Remember which filter has the focus; gives what finds it again in the new page. */
function focusKept() {
  const old = document.activeElement;
  const side = document.getElementById("filters");
  const top = side?.scrollTop ?? 0;
  const name = old instanceof HTMLInputElement || old instanceof HTMLSelectElement ? old.id || old.name : "";
  const value = old instanceof HTMLInputElement && old.type === "radio" ? old.value : null;
  return () => {
    const now = document.getElementById("filters");
    if (now) now.scrollTop = top;
    if (!name) return;
    const found = [...document.querySelectorAll("main input, main select")].find(
      (one) => (one.id || one.getAttribute("name")) === name && (value === null || one.getAttribute("value") === value),
    );
    if (!(found instanceof HTMLElement)) return;
    found.focus();
    if (found instanceof HTMLInputElement && found.type === "search") found.setSelectionRange(found.value.length, found.value.length);
  };
}
