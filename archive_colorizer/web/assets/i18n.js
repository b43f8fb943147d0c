// Words in English and Korean. The page's language is the reader's choice, then the browser's.

/**
 * @typedef {"en" | "ko"} Language
 * @typedef {{ en: string, ko: string }} Words
 */

const KEPT = "archive-colorizer.language";
/** @type {Record<string, readonly [string, string]>} */
const words = {};
/** @type {Language} */
let current = firstLanguage();

/** @returns {Language} */
function firstLanguage() {
  const kept = localStorage.getItem(KEPT);
  if (kept === "en" || kept === "ko") return kept;
  return navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";
}

export function language() {
  return current;
}

/** @param {Language} chosen */
export function setLanguage(chosen) {
  current = chosen;
  localStorage.setItem(KEPT, chosen);
  document.documentElement.lang = chosen;
}

/** @param {Record<string, readonly [string, string]>} more each in English and Korean */
export function addWords(more) {
  Object.assign(words, more);
  document.documentElement.lang = current;
}

/**
 * Say something in the reader's language.
 * @param {string} key
 * @param {Record<string, string | number>} [values] what `{name}` stands for
 */
export function t(key, values = {}) {
  const pair = words[key];
  if (!pair) return key;
  return pair[current === "ko" ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name] ?? "";
    return typeof value === "number" ? number(value) : value;
  });
}

/**
 * Whether there are words for a key.
 * @param {string} key
 */
export function knows(key) {
  return key in words;
}

/**
 * Pick a text that the server has in both languages.
 * @param {Words | null | undefined} text
 */
export function pick(text) {
  return text ? text[current] || text.en : "";
}

/**
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [how]
 */
export function number(value, how) {
  return new Intl.NumberFormat(current === "ko" ? "ko-KR" : "en-GB", how).format(value);
}

/** @param {number} microseconds since 1970 */
export function moment(microseconds) {
  return new Intl.DateTimeFormat(current === "ko" ? "ko-KR" : "en-GB", {
    dateStyle: "medium",
    timeStyle: "short",
  }).format(new Date(microseconds / 1000));
}
