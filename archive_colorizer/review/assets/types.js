// What the server's JSON holds, for the type checker and the reader.

/**
 * @typedef {{ en: string, ko: string }} Words
 * @typedef {"approved" | "rejected" | "later"} Verdict
 *
 * @typedef {object} Item one row of the contact sheet
 * @property {string} id row_id, 64 hexadecimal digits
 * @property {string} path
 * @property {number} page
 * @property {string | null} object_id
 * @property {string | null} collection
 * @property {string} status ok, failed or skipped
 * @property {string | null} error_class
 * @property {Words | null} why
 * @property {number | null} doubt 0 to 1
 * @property {string[]} flags
 * @property {number | null} width
 * @property {number | null} height
 * @property {string | null} sha256 the derivative's
 * @property {string | null} verdict the reader's own
 * @property {string | null} thumb
 *
 * @typedef {object} Pyramid
 * @property {number} width pixels of the full picture
 * @property {number} height
 * @property {number} tile_size
 * @property {number} min_level
 * @property {number} max_level
 * @property {string} tiles address with {level}, {x} and {y}
 * @property {string} preview
 *
 * @typedef {object} Decision
 * @property {string} reviewer
 * @property {string} verdict
 * @property {string} reason
 * @property {string} note
 * @property {number} decided_at_us microseconds since 1970
 *
 * @typedef {object} Picture
 * @property {Item} item
 * @property {Record<string, unknown>} row
 * @property {{ before: Pyramid | null, after: Pyramid | null }} images
 * @property {string | null} doubt
 * @property {string | null} glare
 * @property {[number, number, number, number] | null} box
 * @property {Record<string, unknown>[]} history
 * @property {Decision | null} own
 * @property {Decision[]} others
 * @property {[number, number, string][]} pins
 *
 * @typedef {object} Session
 * @property {string} reviewer
 * @property {"reviewer" | "viewer"} role
 * @property {string} csrf
 * @property {{ output: string, job_id: string, counts: Record<string, number> }} job
 * @property {Record<string, [string, number][]>} facets
 * @property {{ id: string, en: string, ko: string }[]} reasons
 * @property {Record<string, unknown>} options
 * @property {Record<string, Record<string, Words>>} words
 *
 * @typedef {object} Outgoing a verdict on its way
 * @property {string} key
 * @property {string} id
 * @property {string} path
 * @property {number} page
 * @property {string} sha256
 * @property {Verdict} verdict
 * @property {string} reason
 * @property {string} note
 * @property {number} seconds
 */

export {};
