// The live stream. The browser resumes by Last-Event-ID; when it gives up, or the gateway falls
// silent, a new stream starts after the last id seen.

const SILENCE_MS = 12000;
const RETRY_MS = 1000;

/** handlers: onReload(), onEvent({call, kind, data}), onState("live" | "retrying"), onRefused(). */
export class Live {
  #source = null;
  #lastId = "";
  #silence = 0;
  #retry = 0;

  constructor(handlers) {
    this.handlers = handlers;
  }

  open() {
    this.close();
    const after = this.#lastId ? `?after=${encodeURIComponent(this.#lastId)}` : "";
    const source = (this.#source = new EventSource(`/api/v1/live${after}`));
    const on = (name, handle) =>
      source.addEventListener(name, (event) => {
        if (event.lastEventId) this.#lastId = event.lastEventId;
        this.#listen();
        handle(event);
      });
    on("hello", () => this.#alive(true));
    on("reset", () => this.#alive(true));
    on("resumed", () => this.#alive(false));
    on("stalled", () => this.handlers.onState("retrying"));
    on("beat", () => {});
    on("message", (event) => this.handlers.onEvent(JSON.parse(event.data)));
    source.addEventListener("error", () => this.#failed(source));
    this.#listen();
  }

  close() {
    clearTimeout(this.#silence);
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }

  #alive(reload) {
    this.handlers.onState("live");
    if (reload) this.handlers.onReload();
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#again(), SILENCE_MS);
  }

  #failed(source) {
    this.handlers.onState("retrying");
    // CONNECTING: the browser tries again by itself. CLOSED: it was refused and will not.
    if (source.readyState === EventSource.CLOSED) {
      this.handlers.onRefused();
      this.#again();
    }
  }

  #again() {
    this.handlers.onState("retrying");
    this.close();
    this.#retry = setTimeout(() => this.open(), RETRY_MS);
  }
}
