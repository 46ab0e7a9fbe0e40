// Sending requests, and sending them again.
import { ConnectionFailed, errorOf, secondsOf } from "./errors.js";

const PAUSE_MAX_MS = 30_000; // between two tries, whatever the server says
const FIRST_PAUSE_MS = 250; // if the server says nothing; doubles with each try
const RETRIED = [429, 503];

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function pauseBefore(attempt, response) {
  const asked = response ? (secondsOf(response.headers.get("retry-after")) ?? 0) * 1000 : 0;
  return Math.min(PAUSE_MAX_MS, asked + Math.random() * FIRST_PAUSE_MS * 2 ** attempt);
}

export class Transport {
  constructor({ url, key, retries, timeout, fetch }) {
    this.root = url.replace(/\/+$/, "");
    this.key = key;
    this.retries = retries;
    this.timeout = timeout;
    this.fetch = fetch;
  }

  // One try. Resolves as soon as the head of the answer is there; `end` must be called when the body was read.
  async open(method, path, { body, headers = {}, patience = 0, signal, duplex } = {}) {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(new Error("no answer in time")), (this.timeout + patience) * 1000);
    const abort = () => controller.abort(signal.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    try {
      const response = await this.fetch(this.root + path, {
        method,
        body,
        headers: { ...(this.key ? { "X-API-Key": this.key } : {}), ...headers },
        signal: controller.signal,
        ...(duplex ? { duplex } : {}),
      });
      return { response, end };
    } catch (error) {
      end();
      if (signal?.aborted) throw signal.reason;
      throw new ConnectionFailed(`${method} ${path}: ${error.cause?.message ?? error.message}`, { cause: error });
    }
  }

  async once(method, path, options) {
    const { response, end } = await this.open(method, path, options);
    try {
      return { response, text: await response.text() };
    } catch (error) {
      if (options?.signal?.aborted) throw options.signal.reason;
      throw new ConnectionFailed(`${method} ${path}: the answer was cut: ${error.message}`, { cause: error });
    } finally {
      end();
    }
  }

  // {response, text} of an answer that another try would not change, whatever its status. A request that runs something
  // is sent again after a lost answer only under an Idempotency-Key.
  async deliver(method, path, options = {}) {
    const safe = method === "GET" || "Idempotency-Key" in (options.headers ?? {});
    for (let attempt = 0; ; attempt++) {
      let answer, failure;
      try {
        answer = await this.once(method, path, options);
      } catch (error) {
        if (!(error instanceof ConnectionFailed)) throw error;
        failure = error;
      }
      const status = answer?.response.status;
      const underWay = status === 409 && attempt > 0 && safe;
      const again = failure ? safe : RETRIED.includes(status) || underWay;
      if (attempt >= (options.retries ?? this.retries) || !again) {
        if (failure) throw failure;
        return answer;
      }
      await sleep(pauseBefore(attempt, answer?.response));
    }
  }

  // The JSON of an answer; null if it has no body.
  async ask(method, path, options) {
    const { response, text } = await this.deliver(method, path, options);
    if (!response.ok) throw errorOf(response, text);
    return text === "" ? null : JSON.parse(text);
  }

  change(method, path, value) {
    return this.ask(method, path, {
      retries: 0, body: JSON.stringify(value), headers: { "Content-Type": "application/json" },
    });
  }

  // An answer whose body is still to be read.
  async stream(method, path, options) {
    const { response, end } = await this.open(method, path, options);
    if (!response.ok) {
      const text = await response.text();
      end();
      throw errorOf(response, text);
    }
    return { response, end };
  }

  // All items of a list, page by page.
  async pages(path, query = {}) {
    const items = [];
    for (let cursor; ;) {
      const page = await this.ask("GET", withQuery(path, { ...query, cursor }));
      items.push(...page.items);
      if (!page.next_cursor) return items;
      cursor = page.next_cursor;
    }
  }
}

export function pathOf(...parts) {
  return "/api/v1/" + parts.map(encodeURIComponent).join("/");
}

export function withQuery(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}
