// What the page says in passing: one line at the foot, read out by screen readers.

import { byId } from "../web/dom.js";

const SHOWN_MS = 5000;
let timer = 0;

/**
 * Say a line; it goes away by itself, so it is never the only sign of anything.
 * @param {string} text
 */
export function say(text) {
  const line = byId("notice", HTMLElement);
  window.clearTimeout(timer);
  line.textContent = text;
  line.dataset.shown = "yes";
  timer = window.setTimeout(() => {
    line.dataset.shown = "no";
  }, SHOWN_MS);
}

/**
 * Say a line only to screen readers.
 * @param {string} text
 */
export function whisper(text) {
  byId("whisper", HTMLElement).textContent = text;
}
