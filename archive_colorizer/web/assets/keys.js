// Which key does what: defaults, the reader's own choice (kept in the browser), conflicts.

/**
 * @typedef {{ id: string, scope: string, keys: readonly string[] }} Action
 */

const KEPT = "archive-colorizer.keys";

/**
 * Name a key: "a", "Ctrl+Z", "Shift+ArrowLeft", "Space".
 *
 * Letters are told by what they write; where that is not Latin (a Hangul keyboard, an input method
 * at work) by their place, so that the same key works in both languages.
 * @param {KeyboardEvent} event
 */
export function keyName(event) {
  let key = event.key;
  const place = /^(?:Key|Digit)([A-Z0-9])$/.exec(event.code);
  if (place?.[1] && (key === "Process" || key.charCodeAt(0) > 127)) key = place[1].toLowerCase();
  if (key === " ") key = "Space";
  if (key === "Control" || key === "Shift" || key === "Alt" || key === "Meta") return "";
  const letter = key.length === 1;
  if (letter) key = event.ctrlKey || event.metaKey || event.altKey ? key.toUpperCase() : key.toLowerCase();
  const held = [
    event.ctrlKey || event.metaKey ? "Ctrl" : "",
    event.altKey ? "Alt" : "",
    event.shiftKey && !(letter && !/[a-z]/i.test(key)) ? "Shift" : "",
  ].filter(Boolean);
  return [...held, letter && held.length > 0 ? key.toUpperCase() : key].join("+");
}

const SHOWN = /** @type {Record<string, string>} */ ({
  ArrowLeft: "\u2190",
  ArrowRight: "\u2192",
  ArrowUp: "\u2191",
  ArrowDown: "\u2193",
  Escape: "Esc",
  Delete: "Del",
  PageDown: "PgDn",
  PageUp: "PgUp",
});

/** @param {string} key a name of keyName */
export function shownKey(key) {
  return key
    .split("+")
    .map((part) => SHOWN[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join("+");
}

export class Keys {
  /** @param {readonly Action[]} actions */
  constructor(actions) {
    this.actions = actions;
    /** @type {Record<string, string[]>} */
    this.own = read();
  }

  /** @param {string} id */
  of(id) {
    const action = this.actions.find((one) => one.id === id);
    return this.own[id] ?? action?.keys ?? [];
  }

  /** @param {string} id the first key, as it is shown; "" if there is none */
  shown(id) {
    const key = this.of(id)[0];
    return key ? shownKey(key) : "";
  }

  /**
   * Find what a key does.
   * @param {KeyboardEvent} event
   * @param {readonly string[]} scopes those at work, the innermost first
   */
  match(event, scopes) {
    const key = keyName(event);
    if (!key) return "";
    for (const scope of scopes) {
      const found = this.actions.find((one) => one.scope === scope && this.of(one.id).includes(key));
      if (found) return found.id;
    }
    return "";
  }

  /**
   * Find the action that already has a key, among those that can be meant at the same time.
   * @param {string} id
   * @param {string} key
   */
  conflict(id, key) {
    const scope = this.actions.find((one) => one.id === id)?.scope;
    return this.actions.find(
      (one) =>
        one.id !== id &&
        (one.scope === scope || one.scope === "everywhere" || scope === "everywhere") &&
        this.of(one.id).includes(key),
    );
  }

  /**
   * @param {string} id
   * @param {string} key
   */
  change(id, key) {
    this.own[id] = [key];
    localStorage.setItem(KEPT, JSON.stringify(this.own));
  }

  reset() {
    this.own = {};
    localStorage.removeItem(KEPT);
  }
}

/** @returns {Record<string, string[]>} */
function read() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}
