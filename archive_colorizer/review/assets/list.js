// The pictures of one question, by number, fetched in blocks as they are wanted.

import { get } from "../web/api.js";

/** @typedef {import("./types.js").Item} Item */

const BLOCK = 100;
const OVERLAP = 20;

/** The filters a question may have, in the page's order. */
export const FILTERS = [
  "status", "verdict", "error_class", "flag", "collection", "folder", "tone", "model", "doubt_min", "q",
]; // prettier-ignore

/** @param {URLSearchParams} query filters, sort, queue=1, look=second */
export function tidy(query) {
  const kept = new URLSearchParams();
  for (const name of [...FILTERS, "sort", "queue", "look"]) {
    const value = query.get(name);
    if (value) kept.set(name, value);
  }
  return kept;
}

export class PictureList {
  /** @param {URLSearchParams} query */
  constructor(query) {
    this.query = tidy(query);
    this.total = -1;
    /** @type {Map<number, Item>} */
    this.items = new Map();
    /** @type {Map<string, number>} */
    this.numbers = new Map();
    /** @type {Map<number, Promise<void>>} */
    this.asked = new Map();
    /** Ids that were judged in this sitting: they may have left the server's answer. */
    /** @type {Set<string>} */
    this.judged = new Set();
  }

  /** @param {number} number */
  at(number) {
    return this.items.get(number);
  }

  /** @param {string} id its number, or -1 */
  find(id) {
    return this.numbers.get(id) ?? -1;
  }

  /**
   * Fetch what is not here of the pictures from `first` to before `last`.
   * @param {number} first
   * @param {number} last
   */
  async ensure(first, last) {
    const end = this.total < 0 ? last : Math.min(last, this.total);
    const waiting = [];
    for (let block = Math.floor(Math.max(first, 0) / BLOCK); block * BLOCK < end; block += 1) {
      waiting.push(this.#block(block));
    }
    if (this.total < 0 && waiting.length === 0) waiting.push(this.#block(0));
    await Promise.all(waiting);
  }

  /** @param {number} block */
  #block(block) {
    let asked = this.asked.get(block);
    if (!asked) {
      asked = this.#fetch(block).catch((error) => {
        this.asked.delete(block);
        throw error;
      });
      this.asked.set(block, asked);
    }
    return asked;
  }

  /**
   * Fetch a block. What was judged since may have left the server's answer, so it is asked for
   * earlier by as many, and what is here already is passed over: no picture is missed.
   * @param {number} block
   */
  async #fetch(block) {
    const gone = this.query.has("verdict") || this.query.has("look") ? this.#goneBefore(block * BLOCK) : 0;
    const offset = Math.max(0, block * BLOCK - gone - (gone ? OVERLAP : 0));
    const query = new URLSearchParams(this.query);
    query.set("offset", String(offset));
    query.set("limit", String(gone ? BLOCK + OVERLAP : BLOCK));
    const answer = await get(`/api/${query.has("look") ? "second-look" : "pictures"}?${query}`);
    if (this.total < 0) this.total = answer.total;
    let number = block * BLOCK;
    for (const item of answer.items) {
      if (number >= (block + 1) * BLOCK) break;
      if (this.numbers.has(item.id)) continue;
      this.#put(number, item);
      number += 1;
    }
    if (gone && number < (block + 1) * BLOCK) this.total = Math.min(this.total, number);
  }

  /** @param {number} number how many before it are judged, so may be missing from an answer */
  #goneBefore(number) {
    let count = 0;
    for (const id of this.judged) if (this.find(id) >= 0 && this.find(id) < number) count += 1;
    return count;
  }

  /**
   * @param {number} number
   * @param {Item} item
   */
  #put(number, item) {
    this.items.set(number, item);
    this.numbers.set(item.id, number);
  }

  /**
   * Note a verdict, so that the sheet shows it without asking.
   * @param {string} id
   * @param {string | null} verdict null: taken back
   */
  note(id, verdict) {
    if (verdict === null) this.judged.delete(id);
    else this.judged.add(id);
    const item = this.at(this.find(id));
    if (item) item.verdict = verdict;
  }

  /**
   * Put another derivative's item in the place of the one it was made anew from.
   * @param {string} id
   * @param {Item} item
   */
  replace(id, item) {
    const number = this.find(id);
    if (number < 0) return;
    this.numbers.delete(id);
    this.#put(number, item);
  }
}

/**
 * Find a picture that was made anew, and so has another row.
 * @param {string} path
 * @param {number} page
 * @returns {Promise<Item | undefined>}
 */
export async function findAnew(path, page) {
  const answer = await get(`/api/pictures?${new URLSearchParams({ q: path, limit: "200" })}`);
  return answer.items.find((/** @type {Item} */ one) => one.path === path && one.page === page);
}

/**
 * Count the pictures of a question.
 * @param {URLSearchParams} query
 * @param {string} verdict
 * @returns {Promise<number>}
 */
export async function countOf(query, verdict) {
  const asked = tidy(query);
  asked.set("verdict", verdict);
  asked.set("limit", "1");
  return (await get(`/api/pictures?${asked}`)).total;
}
