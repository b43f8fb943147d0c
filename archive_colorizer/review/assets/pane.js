// One picture in an OpenSeadragon viewer: the preview, deeper tiles, overlays and marks on it.

import { deepSource, previewScale, tintedMask, wholeSource } from "./sources.js";

/**
 * @typedef {import("./types.js").Pyramid} Pyramid
 * @typedef {import("openseadragon").TiledImage} TiledImage
 * @typedef {{ fit: boolean, scale: number, x: number, y: number }} View scale: screen pixels of one
 *     pixel of the picture; x, y: the centre, as shares of the picture
 */

/** @type {typeof import("openseadragon")} */
const OSD = /** @type {any} */ (window).OpenSeadragon;

const FITS_WITHIN = 0.02;
/** Colours that old photographs hardly have. */
const TINTS = /** @type {Record<string, readonly [number, number, number]>} */ ({
  doubt: [255, 0, 200],
  glare: [0, 220, 255],
});

export class Pane {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.viewer = OSD({
      element,
      drawer: "canvas",
      showNavigationControl: false,
      tabIndex: /** @type {any} */ (""),
      animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.25,
      springStiffness: 12,
      visibilityRatio: 0.2,
      preserveImageSizeOnResize: true,
      minZoomImageRatio: 0.1,
      maxZoomPixelRatio: 16,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: false },
      gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: false },
      gestureSettingsPen: { clickToZoom: false, dblClickToZoom: false },
    });
    /** @type {Pyramid | null} */
    this.pyramid = null;
    /** @type {TiledImage | null} */
    this.base = null;
    /** @type {TiledImage | null} */
    this.deep = null;
    /** @type {Map<string, TiledImage>} */
    this.layers = new Map();
    this.turn = 0;
    this.size = "";
    this.fits = true;
    this.viewer.addHandler("update-viewport", () => this.#deepen());
    this.viewer.addHandler("viewport-change", () => this.#keepFit());
  }

  close() {
    this.viewer.destroy();
  }

  /**
   * Show a picture; settles when its preview lies in the viewer.
   * @param {Pyramid | null} pyramid
   * @param {string} [preview] another picture in place of its preview
   */
  async show(pyramid, preview) {
    const turn = (this.turn += 1);
    if (!pyramid) {
      this.viewer.world.removeAll();
      this.pyramid = this.base = this.deep = null;
      this.layers.clear();
      return;
    }
    const added = await this.#add(wholeSource(preview ?? pyramid.preview));
    if (turn !== this.turn) {
      this.viewer.world.removeItem(added);
      return;
    }
    for (const old of this.#items()) if (old !== added) this.viewer.world.removeItem(old);
    this.layers.clear();
    this.pyramid = pyramid;
    this.base = added;
    this.deep = null;
    const source = preview ? null : deepSource(pyramid);
    if (source) {
      const deep = await this.#add(source, { opacity: 0 });
      if (turn === this.turn) this.deep = deep;
      else this.viewer.world.removeItem(deep);
    }
  }

  #items() {
    const world = this.viewer.world;
    return Array.from({ length: world.getItemCount() }, (_, number) => world.getItemAt(number));
  }

  /**
   * @param {object} tileSource
   * @param {object} [options]
   * @returns {Promise<TiledImage>}
   */
  #add(tileSource, options = {}) {
    return new Promise((resolve, reject) => {
      this.viewer.addTiledImage({
        tileSource: /** @type {any} */ (tileSource),
        x: 0,
        y: 0,
        width: 1,
        ...options,
        success: (/** @type {any} */ event) => resolve(event.item),
        error: (/** @type {any} */ event) => reject(new Error(String(event.message))),
      });
    });
  }

  /** Draw the deep tiles only where the preview would be stretched. */
  #deepen() {
    if (!this.deep || !this.pyramid) return;
    const wanted = this.scale() * devicePixelRatio > previewScale(this.pyramid) * 1.05 ? 1 : 0;
    if (this.deep.getOpacity() !== wanted) this.deep.setOpacity(wanted);
  }

  /**
   * Lay a mask over the whole picture, or take it away.
   * @param {string} name
   * @param {string | null} url
   */
  async layer(name, url) {
    const old = this.layers.get(name);
    if (old) this.viewer.world.removeItem(old);
    this.layers.delete(name);
    if (!url || !this.pyramid) return;
    const turn = this.turn;
    const tinted = await tintedMask(url, TINTS[name] ?? [255, 255, 255]);
    const added = await this.#add(wholeSource(tinted), { opacity: 0.8 });
    URL.revokeObjectURL(tinted);
    if (turn !== this.turn || this.layers.has(name)) {
      this.viewer.world.removeItem(added);
      return;
    }
    this.layers.set(name, added);
  }

  /** A picture that fitted in still does when the pane has another size. */
  #keepFit() {
    const size = this.#port.getContainerSize().toString();
    if (size !== this.size && this.fits) this.#port.goHome(true);
    this.size = size;
    this.fits = this.view().fit;
  }

  /** Whether OpenSeadragon has noticed the pane's size. */
  get settled() {
    return this.#port.getContainerSize().x === this.element.clientWidth;
  }

  get #port() {
    return this.viewer.viewport;
  }

  #width() {
    return Math.max(1, this.element.clientWidth);
  }

  /** Screen pixels (CSS) of one pixel of the picture, as it is drawn now. */
  scale() {
    return (this.#port.getZoom(true) * this.#width()) / (this.pyramid?.width ?? 1);
  }

  /** @returns {View} */
  view() {
    const port = this.#port;
    const centre = port.getCenter();
    const home = port.getHomeZoom();
    const zoom = port.getZoom();
    const ratio = this.ratio();
    return {
      fit: Math.abs(zoom / home - 1) < FITS_WITHIN,
      scale: (zoom * this.#width()) / (this.pyramid?.width ?? 1),
      x: centre.x,
      y: centre.y / ratio,
    };
  }

  /** Height of the picture for a width of 1. */
  ratio() {
    return this.pyramid ? this.pyramid.height / this.pyramid.width : 1;
  }

  /**
   * @param {View} view
   * @param {boolean} [now] without a movement
   */
  look(view, now = true) {
    if (!this.pyramid) return;
    if (view.fit) {
      this.#port.goHome(now);
      return;
    }
    const port = this.#port;
    port.zoomTo((view.scale * this.pyramid.width) / this.#width(), undefined, now);
    port.panTo(new OSD.Point(view.x, view.y * this.ratio()), now);
    port.applyConstraints(now);
  }

  /** @param {number} factor */
  zoomBy(factor) {
    this.#port.zoomBy(factor);
    this.#port.applyConstraints();
  }

  /**
   * @param {number} right screen pixels
   * @param {number} down
   */
  panBy(right, down) {
    this.#port.panBy(this.#port.deltaPointsFromPixels(new OSD.Point(right, down)));
    this.#port.applyConstraints();
  }

  /** @param {Pane} other look where it looks, also while it moves */
  follow(other) {
    const port = other.viewer.viewport;
    this.#port.zoomTo(port.getZoom(true), undefined, true);
    this.#port.panTo(port.getCenter(true), true);
  }

  /**
   * Where a place of the screen lies, in pixels of the picture.
   * @param {{ x: number, y: number }} place from the pane's top left corner
   */
  pixelAt(place) {
    const point = this.#port.pointFromPixel(new OSD.Point(place.x, place.y), true);
    const width = this.pyramid?.width ?? 1;
    return { x: point.x * width, y: point.y * width };
  }

  /**
   * The colour that is drawn at a place, as #rrggbb; null outside of the picture.
   * @param {{ x: number, y: number }} pixel of the picture
   */
  colourAt(pixel) {
    const canvas = /** @type {HTMLCanvasElement} */ (this.viewer.drawer.canvas);
    const width = this.pyramid?.width ?? 1;
    const place = this.#port.pixelFromPoint(new OSD.Point(pixel.x / width, pixel.y / width), true);
    const ratio = canvas.width / this.#width();
    const context = canvas.getContext("2d");
    const data = context?.getImageData(Math.round(place.x * ratio), Math.round(place.y * ratio), 1, 1).data;
    if (!data || !data[3]) return null;
    return `#${[...data.slice(0, 3)].map((value) => value.toString(16).padStart(2, "0")).join("")}`;
  }

  /**
   * Fasten an element to a pixel of the picture.
   * @param {HTMLElement} element
   * @param {{ x: number, y: number }} pixel
   */
  fasten(element, pixel) {
    const width = this.pyramid?.width ?? 1;
    const location = new OSD.Point(pixel.x / width, pixel.y / width);
    if (this.viewer.getOverlayById(element)) this.viewer.updateOverlay(element, location, OSD.Placement.CENTER);
    else this.viewer.addOverlay({ element, location, placement: OSD.Placement.CENTER, checkResize: false });
  }

  /** @param {HTMLElement} element */
  loosen(element) {
    this.viewer.removeOverlay(element);
  }
}
