// Requests to the gateway. Every refusal becomes a Refusal with the problem's slug.

const BASE = "/api/v1";
let clockOffset = 0;

export class Refusal extends Error {
  constructor(slug, status) {
    super(slug);
    this.slug = slug;
    this.status = status;
  }
}

/** The gateway's time in ms, so that timers are right on a desk whose clock is not. */
export const serverNow = () => Date.now() + clockOffset;

export const get = (path) => send("GET", path);
export const post = (path, body = {}, headers = {}) => send("POST", path, body, headers);
export const remove = (path) => send("DELETE", path);

/** Ask for a transfer once: a lost answer is asked for again under the same key. */
export async function postOnce(path, body) {
  const headers = { "Idempotency-Key": newKey() };
  try {
    return await post(path, body, headers);
  } catch (error) {
    if (error.slug !== "network") throw error;
    return post(path, body, headers);
  }
}

async function send(method, path, body, headers = {}) {
  let answer;
  try {
    answer = await fetch(BASE + path, {
      method,
      credentials: "same-origin",
      headers: { "X-Liandong-Page": "1", ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch {
    throw new Refusal("network", 0);
  }
  const date = Date.parse(answer.headers.get("Date") ?? "");
  // The header has whole seconds: a smaller difference is no difference.
  if (date) clockOffset = Math.abs(date - Date.now()) > 2000 ? date - Date.now() : 0;
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw new Refusal(problem.slug ?? "http", answer.status);
}

// crypto.randomUUID exists on https and localhost only; a desk may use plain http in its own network.
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
