// Verdicts on their way. One that could not be sent is kept in the browser and sent again.

import { ApiError, post, reach } from "../web/api.js";

/** @typedef {import("./types.js").Outgoing} Outgoing */

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;

/**
 * Events: "change" (how many wait), "refused" (detail: {outgoing, error}), "leave" (no session),
 * "stale" (the session's CSRF word is another by now).
 */
export class Outbox extends EventTarget {
  /** @param {string} reviewer whose verdicts these are: nobody else sends them */
  constructor(reviewer) {
    super();
    this.kept = `archive-colorizer.outbox.${reviewer}`;
    /** @type {Promise<void> | null} */
    this.running = null;
    this.wait = FIRST_WAIT_MS;
    this.timer = 0;
    /** @type {Outgoing | null} */
    this.flying = null;
    this.listen = () => {
      if (reach.online) this.flush();
    };
    this.retry = () => this.flush();
    reach.addEventListener("reach", this.listen);
    window.addEventListener("online", this.retry);
  }

  close() {
    window.clearTimeout(this.timer);
    reach.removeEventListener("reach", this.listen);
    window.removeEventListener("online", this.retry);
  }

  /** @returns {Outgoing[]} oldest first */
  waiting() {
    try {
      return JSON.parse(localStorage.getItem(this.kept) ?? "[]");
    } catch {
      return [];
    }
  }

  /** @param {Outgoing[]} all */
  #keep(all) {
    localStorage.setItem(this.kept, JSON.stringify(all));
    this.dispatchEvent(new Event("change"));
  }

  /** @param {Omit<Outgoing, "key">} verdict */
  add(verdict) {
    const key = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    this.#keep([...this.waiting(), { key, ...verdict }]);
    this.flush();
  }

  /** Take the last verdict back before it leaves; null if there is none that can be. */
  withdraw() {
    const all = this.waiting();
    const last = all.at(-1);
    if (!last || last.key === this.flying?.key) return null;
    this.#keep(all.slice(0, -1));
    return last;
  }

  /** Send all that wait, one after another; settles when nothing can be sent any more. */
  flush() {
    window.clearTimeout(this.timer);
    this.running ??= this.#alone().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  /** One tab sends at a time where the browser can say so. */
  async #alone() {
    if (navigator.locks) await navigator.locks.request(this.kept, () => this.#send());
    else await this.#send();
  }

  async #send() {
    for (let next = this.waiting()[0]; next; next = this.waiting()[0]) {
      this.flying = next;
      try {
        const { key: _, path: __, page: ___, ...body } = next;
        await post("/api/verdicts", body);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (this.#waitsFor(error)) return;
        this.dispatchEvent(new CustomEvent("refused", { detail: { outgoing: next, error } }));
      } finally {
        this.flying = null;
      }
      this.wait = FIRST_WAIT_MS;
      this.#keep(this.waiting().filter((one) => one.key !== next.key));
    }
  }

  /**
   * Whether the same words may be taken later; then a try is arranged.
   * @param {ApiError} error
   */
  #waitsFor(error) {
    if (error.status === 401) {
      this.dispatchEvent(new Event("leave"));
      return true;
    }
    if (error.status === 403) this.dispatchEvent(new Event("stale"));
    else if (error.status !== 0 && error.status !== 429 && error.status < 500) return false;
    this.timer = window.setTimeout(() => this.flush(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    this.dispatchEvent(new Event("change"));
    return true;
  }
}
