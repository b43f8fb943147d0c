// Elements and icons, made without markup strings: a name from the archive is always text.

/**
 * @typedef {Record<string, string | number | boolean | null | undefined>} Attributes
 * @typedef {Node | string | null | undefined | false} Child
 */

/**
 * Make an element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes & { on?: never }} [attributes] true sets the bare attribute; null, undefined
 *     and false leave it out
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter(isShown));
  return element;
}

/**
 * @param {Child} child
 * @returns {child is Node | string}
 */
function isShown(child) {
  return child !== null && child !== undefined && child !== false;
}

/**
 * Make a button that does something.
 * @param {string} label also its accessible name where only an icon is shown
 * @param {(event: MouseEvent) => void} press
 * @param {Attributes & { icon?: string, iconOnly?: boolean }} [options]
 */
export function button(label, press, options = {}) {
  const { icon: name, iconOnly, ...attributes } = options;
  const element = h(
    "button",
    { type: "button", class: "button", ...attributes },
    name ? icon(name) : null,
    iconOnly ? null : h("span", {}, label),
  );
  if (iconOnly) {
    element.setAttribute("aria-label", label);
    element.title = label;
  }
  element.addEventListener("click", press);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** Drawn on 24 x 24, as strokes: a verdict is told by its shape, never by colour alone. */
const PATHS = {
  approved: "M5 12.5l4.5 4.5L19 7.5",
  rejected: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  later: "M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M12 8v4.5l3 2",
  disputed: "M12 4l9 16H3zM12 10v4M12 17v.5",
  none: "M12 5a7 7 0 1 0 0 14a7 7 0 1 0 0-14",
  failed: "M12 4l9 16H3zM12 10v4M12 17v.5",
  skipped: "M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M6.5 17.5l11-11",
  flag: "M6 21V4h11l-2.5 4L17 12H6",
  back: "M19 12H5M11 6l-6 6l6 6",
  previous: "M15 5l-7 7l7 7",
  next: "M9 5l7 7l-7 7",
  undo: "M8 5L4 9l4 4M4 9h9a6 6 0 0 1 0 12h-3",
  slider: "M12 3v18M4 6h16v12H4zM9.5 10l-2 2l2 2M14.5 10l2 2l-2 2",
  side: "M3 6h8v12H3zM13 6h8v12h-8z",
  toggle: "M4 5h12v10H4zM8 19h12V9",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  pin: "M12 21v-7M8 4h8l-1 6l3 4H6l3-4z",
  drop: "M14 5l5 5M12 7l5 5M15 10l-8.500 8.500H4V16l8.500-8.500",
  panel: "M4 5h16v14H4zM14.500 5v14",
  doubt: "M3 9.500c3-4 6-4 9 0s6 4 9 0M3 16c3-4 6-4 9 0s6 4 9 0",
  glare: "M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8M12 2v2.500M12 19.500V22M2 12h2.500M19.500 12H22M5 5l1.700 1.700M17.300 17.300L19 19M19 5l-1.700 1.700M6.700 17.300L5 19",
  keys: "M3 7h18v10H3zM6.500 10.500h.5M10 10.500h.5M13.500 10.500h.5M17 10.500h.5M8 13.800h8",
  people: "M9 5a3 3 0 1 0 0 6a3 3 0 1 0 0-6M3 19c0-3.500 2.500-5.500 6-5.500s6 2 6 5.500M16 6a2.500 2.500 0 1 1 0 5M17.500 14c2.300.5 3.500 2.300 3.500 5",
  filter: "M4 6h16M7 12h10M10 18h4",
  leave: "M14 4H5v16h9M10 12h11M17 8l4 4l-4 4",
  close: "M6 6l12 12M18 6L6 18",
  trash: "M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13",
};

/**
 * Draw an icon; it is decoration, its words stand beside it.
 * @param {string} name a key of PATHS
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", /** @type {Record<string, string>} */ (PATHS)[name] ?? PATHS.none);
  svg.append(path);
  return svg;
}

/**
 * Find the element with this id.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Whether keys typed here are a text's own.
 * @param {EventTarget | null} target
 */
export function isTyping(target) {
  if (target instanceof HTMLInputElement) return !["range", "checkbox", "radio", "button", "color"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
