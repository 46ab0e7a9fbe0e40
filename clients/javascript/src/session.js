import { eventsOf } from "./event-stream.js";
import { pathOf } from "./transport.js";

// A session; with `workspace: true` its executions share a folder. `await using` deletes it at the end of the block.
export class Session {
  constructor(client, info, keep) {
    this.client = client;
    this.info = info;
    this.id = info.session_id;
    this.keep = keep;
  }

  async [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    if (!this.keep) await this.delete();
  }

  get transport() {
    return this.client.transport;
  }

  path(...parts) {
    return pathOf("sessions", this.id, ...parts);
  }

  file(path) {
    return `${this.path("files")}/${path.split("/").map(encodeURIComponent).join("/")}`;
  }

  async refresh() {
    this.info = await this.transport.ask("GET", this.path());
    return this.info;
  }

  async delete() {
    await this.transport.ask("DELETE", this.path(), { retries: 0 });
  }

  execute(request, options) {
    return this.client.execute({ ...request, session_id: this.id }, options);
  }

  stream(request, options) {
    return this.client.stream({ ...request, session_id: this.id }, options);
  }

  executions() {
    return this.transport.pages(this.path("executions"));
  }

  // Runs code in the session's interpreter, whose state stays.
  runCell(code, fields = {}, options) {
    return this.execute({ code, kernel: true, ...fields }, options);
  }

  // Interrupts the cell that runs; its state stays. Conflict if none runs.
  interrupt() {
    return this.transport.change("POST", this.path("interrupt"), {});
  }

  // Ends the interpreter and the cell that runs; the files stay.
  restart() {
    return this.transport.change("POST", this.path("restart"), {});
  }

  files(query = {}) {
    return this.transport.pages(this.path("files"), query);
  }

  // The bytes of a file.
  async read(path) {
    const { response, end } = await this.transport.stream("GET", this.file(path));
    try {
      return new Uint8Array(await response.arrayBuffer());
    } finally {
      end();
    }
  }

  // content: text, bytes, a Blob, or a ReadableStream.
  write(path, content) {
    return this.upload(this.file(path), content, "application/octet-stream");
  }

  async remove(path) {
    await this.transport.ask("DELETE", this.file(path), { retries: 0 });
  }

  // All files as .tar.gz: a ReadableStream.
  async archive() {
    const { response, end } = await this.transport.stream("GET", this.path("archive"));
    return response.body.pipeThrough(new TransformStream({ flush: end }));
  }

  // Replaces all files by those of a .tar.gz.
  restore(content) {
    return this.upload(this.path("archive"), content, "application/gzip");
  }

  async upload(path, content, type) {
    const flows = content instanceof ReadableStream;
    const { response, end } = await this.transport.stream("PUT", path, {
      body: content, headers: { "Content-Type": type }, ...(flows ? { duplex: "half" } : {}),
    });
    await response.arrayBuffer();
    end();
  }
}

// A program in the background.
export class Job {
  constructor(client, status) {
    this.client = client;
    this.id = status.execution_id;
    this.last = status;
  }

  status() {
    return this.client.jobStatus(this.id).then((status) => (this.last = status));
  }

  wait(options) {
    return this.client.jobResult(this.id, options);
  }

  // Follows it from its beginning, or after an event that was read before.
  async *events({ lastEventId, signal } = {}) {
    const { response, end } = await this.client.transport.stream("GET", pathOf("executions", this.id, "events"), {
      headers: { Accept: "text/event-stream", ...(lastEventId ? { "Last-Event-ID": lastEventId } : {}) },
      patience: 300, signal,
    });
    try {
      yield* eventsOf(response.body);
    } finally {
      end();
    }
  }

  // Its record. Conflict if it has ended already.
  cancel() {
    return this.client.transport.ask("DELETE", pathOf("executions", this.id), { retries: 0 });
  }
}
