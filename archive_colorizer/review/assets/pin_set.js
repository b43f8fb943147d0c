// The pins of one picture: set, coloured, deleted, and each of that taken back.

/** @typedef {{ x: number, y: number, colour: string }} Pin pixels of the upright master; #rrggbb */

export class PinSet {
  constructor() {
    /** @type {Pin[]} */
    this.pins = [];
    this.chosen = -1;
    /** @type {Pin[][]} */
    this.past = [];
  }

  /** @param {[number, number, string][]} given those that the derivative was made from */
  start(given) {
    this.pins = given.map(([x, y, colour]) => ({ x, y, colour }));
    this.chosen = -1;
    this.past = [];
  }

  /** @param {Pin[]} pins */
  #change(pins) {
    this.past.push(this.pins);
    this.pins = pins;
  }

  /** @param {Pin} pin */
  set(pin) {
    this.#change([...this.pins, pin]);
    this.chosen = this.pins.length - 1;
  }

  /** @param {string} colour of the chosen pin */
  colour(colour) {
    const { chosen } = this;
    if (!this.pins[chosen]) return;
    this.#change(this.pins.map((pin, number) => (number === chosen ? { ...pin, colour } : pin)));
  }

  /** @param {number} [number] else the chosen one; gives whether there was one */
  delete(number = this.chosen) {
    if (!this.pins[number]) return false;
    this.#change(this.pins.filter((_, one) => one !== number));
    this.chosen = this.pins.length - 1;
    return true;
  }

  /** Gives whether there was anything to take back. */
  undo() {
    const earlier = this.past.pop();
    if (!earlier) return false;
    this.pins = earlier;
    this.chosen = Math.min(this.chosen, earlier.length - 1);
    return true;
  }

  choose() {
    if (this.pins.length > 0) this.chosen = (this.chosen + 1) % this.pins.length;
  }

  /** @returns {[number, number, string][]} as the server takes them */
  sent() {
    return this.pins.map(({ x, y, colour }) => [x, y, colour]);
  }
}
