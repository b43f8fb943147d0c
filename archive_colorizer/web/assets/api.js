// Calls of the server: JSON in and out, the CSRF word on unsafe methods, one kind of error.

/** What the server answered instead of what was asked for; status 0: it did not answer. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {Record<string, unknown>} body
   */
  constructor(status, message, body = {}) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** Whether the server answered last time: listeners hear "reach" when that changes. */
export const reach = Object.assign(new EventTarget(), { online: true });

let csrf = "";

/** @param {string} word what POSTs carry as X-CSRF-Token */
export function setCsrf(word) {
  csrf = word;
}

/** @param {boolean} online */
function tell(online) {
  if (reach.online === online) return;
  reach.online = online;
  reach.dispatchEvent(new Event("reach"));
}

/**
 * @param {string} url
 * @param {RequestInit} options
 * @returns {Promise<Response>}
 */
async function ask(url, options) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    tell(false);
    throw new ApiError(0, String(error));
  }
  tell(true);
  if (response.ok) return response;
  /** @type {Record<string, unknown>} */
  const body = await response.json().catch(() => ({}));
  throw new ApiError(response.status, String(body.error ?? response.statusText), body);
}

/**
 * Get JSON.
 * @param {string} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function get(url, signal) {
  return (await ask(url, signal ? { signal } : {})).json();
}

/**
 * Post JSON; gives the answer as it is.
 * @param {string} url
 * @param {unknown} body
 * @param {AbortSignal} [signal]
 */
export async function send(url, body, signal) {
  return ask(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}

/**
 * Post JSON and read the JSON that comes back; null where nothing does.
 * @param {string} url
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
export async function post(url, body = {}) {
  const response = await send(url, body);
  return response.status === 204 ? null : response.json();
}
