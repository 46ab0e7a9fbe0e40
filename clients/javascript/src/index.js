// Client of Codecell. It needs fetch: Node 18 and newer, Bun, Deno, browsers.
import { CodecellError, TimedOut, errorOf } from "./errors.js";
import { eventsOf } from "./event-stream.js";
import { bodyOf, bytesOf, patienceOf } from "./request.js";
import { Job, Session } from "./session.js";
import { Transport, pathOf, sleep, withQuery } from "./transport.js";

export * from "./errors.js";
export { Job, Session };

const WAIT_MAX = 60; // seconds that the server lets one request for a status wait
const environment = globalThis.process?.env ?? {};

// Node 18 and pages that were not loaded over https have no crypto.randomUUID().
function uniqueKey() {
  const bytes = new Uint8Array(16);
  if (globalThis.crypto?.getRandomValues) crypto.getRandomValues(bytes);
  else bytes.forEach((_, at) => (bytes[at] = Math.random() * 256));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function isResult(answer) {
  return answer !== null && typeof answer === "object" && "execution_id" in answer && "exit_code" in answer;
}

// The API's answer, with `ok`, and the contents of files as bytes.
function resultOf(answer) {
  return {
    ...answer,
    files: (answer.files ?? []).map((file) => ({
      ...file, content: file.encoding === "base64" ? bytesOf(file.content) : new TextEncoder().encode(file.content),
    })),
    warnings: answer.warnings ?? [],
    ok: answer.status === "completed" && answer.exit_code === 0,
  };
}

function statusOf(answer) {
  return {
    ...answer,
    done: answer.completed_at !== null,
    result: answer.result && isResult(answer.result) ? resultOf(answer.result) : null,
  };
}

export class Codecell {
  constructor({ url, key, retries = 2, timeout = 30, fetch = globalThis.fetch.bind(globalThis) } = {}) {
    this.transport = new Transport({
      url: url ?? environment.CODECELL_URL ?? "http://localhost:8002",
      key: key ?? environment.CODECELL_KEY, retries, timeout, fetch,
    });
  }

  runOptions(body, patience, signal) {
    return {
      body: JSON.stringify(body), patience, signal,
      headers: {
        "Content-Type": "application/json",
        ...(this.transport.retries > 0 ? { "Idempotency-Key": uniqueKey() } : {}),
      },
    };
  }

  // Runs a program to its end. A program that ran into its time limit is a result, too: `timed_out` is true.
  async execute(request, { signal } = {}) {
    const options = this.runOptions(bodyOf(request), patienceOf([request]), signal);
    const { response, text } = await this.transport.deliver("POST", pathOf("execute"), options);
    const answer = response.ok || response.status === 500 ? JSON.parse(text) : null;
    if (isResult(answer)) return resultOf(answer);
    throw errorOf(response, text);
  }

  // Runs a program and yields its events as they come. Leaving the loop ends the program.
  async *stream(request, { signal } = {}) {
    const { response, end } = await this.transport.stream("POST", pathOf("execute"), {
      body: JSON.stringify({ ...bodyOf(request), stream: true }), patience: patienceOf([request]), signal,
      headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
    });
    try {
      yield* eventsOf(response.body);
    } finally {
      end();
    }
  }

  // Runs up to ten programs side by side. An item that did not run is a CodecellError in its place.
  async batch(requests, { signal } = {}) {
    const options = this.runOptions(requests.map(bodyOf), patienceOf(requests), signal);
    const answers = await this.transport.ask("POST", pathOf("execute", "batch"), options);
    return answers.map((answer) => isResult(answer) ? resultOf(answer) : new CodecellError(String(answer.detail)));
  }

  // Accepts a program to run in the background. `webhook`: {url, secret}.
  async submit(request, { signal } = {}) {
    const options = this.runOptions(bodyOf(request), 0, signal);
    return new Job(this, statusOf(await this.transport.ask("POST", pathOf("execute", "async"), options)));
  }

  // A program that was submitted before.
  async job(executionId) {
    return new Job(this, await this.jobStatus(executionId));
  }

  async jobStatus(executionId, wait, signal) {
    const path = withQuery(pathOf("execute", "status", executionId), { wait });
    return statusOf(await this.transport.ask("GET", path, { patience: wait ?? 0, signal }));
  }

  // The result, as soon as it is done. TimedOut after `timeout` seconds; the program goes on.
  async jobResult(executionId, { timeout, signal } = {}) {
    const end = timeout === undefined ? Infinity : Date.now() + timeout * 1000;
    for (;;) {
      const left = Math.max(0, Math.min(WAIT_MAX, (end - Date.now()) / 1000));
      const now = await this.jobStatus(executionId, Math.floor(left), signal);
      if (now.result) return now.result;
      if (now.done) throw new CodecellError(`execution ${executionId} has no result: ${now.status}`);
      if (Date.now() >= end) throw new TimedOut(`execution ${executionId} is ${now.status} after ${timeout} s`);
      if (left < 1) await sleep(Math.min(100, left * 1000));
    }
  }

  async languages() {
    return (await this.transport.ask("GET", pathOf("languages"))).languages;
  }

  // The key's records, newest first. filters: session_id, language, status.
  executions(filters = {}) {
    return this.transport.pages(pathOf("executions"), filters);
  }

  usage(query = {}) {
    return this.transport.ask("GET", withQuery(pathOf("usage"), query));
  }

  // Makes a session. `keep`: `await using` does not delete it.
  async session(fields = {}, { keep = false } = {}) {
    return new Session(this, await this.transport.change("POST", pathOf("sessions"), fields), keep);
  }

  async openSession(sessionId) {
    return new Session(this, await this.transport.ask("GET", pathOf("sessions", sessionId)), true);
  }

  sessions() {
    return this.transport.pages(pathOf("sessions"));
  }
}
