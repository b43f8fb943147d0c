// What OpenSeadragon draws: a preview at once, tiles only where the preview has too few pixels.

/** @typedef {import("./types.js").Pyramid} Pyramid */

/**
 * Pixels of the preview for one pixel of the full picture.
 * @param {Pyramid} pyramid
 */
export function previewScale(pyramid) {
  const edge = Number(new URL(pyramid.preview, location.href).searchParams.get("edge") ?? 1600);
  return Math.min(1, edge / Math.max(pyramid.width, pyramid.height));
}

/**
 * The levels that have more pixels than the preview, as a tile source; null if there is none.
 * @param {Pyramid} pyramid
 */
export function deepSource(pyramid) {
  const shown = previewScale(pyramid);
  if (shown >= 1) return null;
  const first = pyramid.max_level + Math.floor(Math.log2(shown)) + 1;
  return {
    width: pyramid.width,
    height: pyramid.height,
    tileSize: pyramid.tile_size,
    tileOverlap: 0,
    minLevel: Math.min(pyramid.max_level, Math.max(pyramid.min_level, first)),
    maxLevel: pyramid.max_level,
    /**
     * @param {number} level
     * @param {number} x
     * @param {number} y
     */
    getTileUrl: (level, x, y) =>
      pyramid.tiles.replace("{level}", String(level)).replace("{x}", String(x)).replace("{y}", String(y)),
  };
}

/** @param {string} url of a picture that is drawn whole */
export function wholeSource(url) {
  return { type: "image", url, crossOriginPolicy: false };
}

/**
 * Make a grey mask see-through where it is black, and one colour where it is white.
 * @param {string} url
 * @param {readonly [number, number, number]} colour
 * @returns {Promise<string>} address of a picture in the browser, to be revoked
 */
export async function tintedMask(url, colour) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < pixels.data.length; at += 4) {
    pixels.data[at + 3] = (pixels.data[at] ?? 0) ** 2 / 255; // squared: much tells from some
    pixels.data.set(colour, at);
  }
  context.putImageData(pixels, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve));
  return URL.createObjectURL(/** @type {Blob} */ (blob));
}

/** Previews asked for in advance; the browser gives them again without asking the server. */
export class Prefetch {
  constructor() {
    /** @type {Map<string, HTMLImageElement>} */
    this.images = new Map();
  }

  /** @param {(Pyramid | null)[]} pyramids */
  ask(pyramids) {
    for (const pyramid of pyramids) {
      if (!pyramid || this.images.has(pyramid.preview)) continue;
      const image = new Image();
      image.src = pyramid.preview;
      image.decode().catch(() => this.images.delete(pyramid.preview));
      this.images.set(pyramid.preview, image);
      const oldest = this.images.keys().next().value;
      if (this.images.size > 24 && oldest !== undefined) this.images.delete(oldest);
    }
  }
}
