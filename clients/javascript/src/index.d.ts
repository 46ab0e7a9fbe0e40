// Types of the client. Times are seconds unless a name says otherwise. What the API itself sends and takes is in
// api.d.ts, which is made from the server's /openapi.json.
import type * as api from "./api.js";

export type { api };
export type Content = string | Uint8Array | ArrayBuffer;
export type Limits = NonNullable<api.ExecuteRequest["limits"]>;
export type FileEntry = NonNullable<api.ExecuteRequest["files"]>[number];

/** The fields of POST /api/v1/execute. */
export type ExecuteRequest = Omit<api.ExecuteRequest, "files" | "stream"> & {
  /** An object of path to text or bytes, or the API's own list. */
  files?: Record<string, Content> | FileEntry[];
};

export type ExecutionStatus = api.Execution["status"];
export type OutputFile = Omit<NonNullable<api.ExecuteAnswer["files"]>[number], "content"> & { content: Uint8Array };
export type ExecutionError = NonNullable<api.ExecuteAnswer["error"]>;

export type Execution = Omit<api.ExecuteAnswer, "files"> & {
  files: OutputFile[];
  /** The program ended by itself with exit code 0. */
  ok: boolean;
};

export interface StreamEvent {
  name: "start" | "stdout" | "stderr" | "file" | "result" | string;
  data: any;
  id: string | null;
  /** The output of a stdout or stderr event; else empty. */
  text: string;
}

export type JobStatus = Omit<api.AcceptedExecution, "result"> & { done: boolean; result: Execution | null };
export type SessionFields = api.SessionRequest;
export type SessionInfo = api.Session;
export type FileInfo = api.FileInfo;
export type Language = api.Language;
export type ExecutionRecord = api.Execution;

export interface Signalled {
  signal?: AbortSignal;
}

export interface Options {
  /** By default the environment's CODECELL_URL, or http://localhost:8002. */
  url?: string;
  /** By default the environment's CODECELL_KEY. */
  key?: string;
  /** How often a request that was refused for now, or whose answer was lost, is sent again. 2 by default. */
  retries?: number;
  /** Seconds that an answer may take beyond the program's own time. 30 by default. */
  timeout?: number;
  fetch?: typeof fetch;
}

export class Codecell {
  constructor(options?: Options);
  execute(request: ExecuteRequest, options?: Signalled): Promise<Execution>;
  stream(request: ExecuteRequest, options?: Signalled): AsyncGenerator<StreamEvent, void, void>;
  batch(requests: ExecuteRequest[], options?: Signalled): Promise<(Execution | CodecellError)[]>;
  submit(request: ExecuteRequest & { webhook?: { url: string; secret: string } }, options?: Signalled): Promise<Job>;
  job(executionId: string): Promise<Job>;
  languages(): Promise<Language[]>;
  executions(filters?: { session_id?: string; language?: string; status?: ExecutionStatus }): Promise<ExecutionRecord[]>;
  usage(query?: { from?: string; to?: string; by?: "day" | "language" }): Promise<api.Usage>;
  session(fields?: SessionFields, options?: { keep?: boolean }): Promise<Session>;
  openSession(sessionId: string): Promise<Session>;
  sessions(): Promise<SessionInfo[]>;
}

export class Job {
  readonly id: string;
  readonly last: JobStatus;
  status(): Promise<JobStatus>;
  /** TimedOut after `timeout` seconds; the program goes on. */
  wait(options?: Signalled & { timeout?: number }): Promise<Execution>;
  events(options?: Signalled & { lastEventId?: string }): AsyncGenerator<StreamEvent, void, void>;
  cancel(): Promise<ExecutionRecord>;
}

export class Session {
  readonly id: string;
  readonly info: SessionInfo;
  refresh(): Promise<SessionInfo>;
  delete(): Promise<void>;
  execute(request: ExecuteRequest, options?: Signalled): Promise<Execution>;
  stream(request: ExecuteRequest, options?: Signalled): AsyncGenerator<StreamEvent, void, void>;
  executions(): Promise<ExecutionRecord[]>;
  runCell(code: string, fields?: Partial<ExecuteRequest>, options?: Signalled): Promise<Execution>;
  /** Interrupts the cell that runs; its state stays. Conflict if none runs. */
  interrupt(): Promise<api.Message>;
  /** Ends the interpreter and the cell that runs; the files stay. */
  restart(): Promise<api.Message>;
  files(query?: { path?: string; depth?: number }): Promise<FileInfo[]>;
  read(path: string): Promise<Uint8Array>;
  write(path: string, content: BodyInit): Promise<void>;
  remove(path: string): Promise<void>;
  archive(): Promise<ReadableStream<Uint8Array>>;
  restore(content: BodyInit): Promise<void>;
}

export class CodecellError extends Error {
  readonly detail: string;
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** Seconds after which another try may work. */
  readonly retryAfter: number | null;
  readonly requestId: string | null;
}
export class ConnectionFailed extends CodecellError {}
export class BadRequest extends CodecellError {}
export class Unauthorized extends CodecellError {}
export class OutOfCredits extends CodecellError {}
export class Forbidden extends CodecellError {}
export class NotFound extends CodecellError {}
export class Conflict extends CodecellError {}
export class RateLimited extends CodecellError {}
export class ExecutionFailed extends CodecellError {}
export class Unavailable extends CodecellError {}
export class TimedOut extends CodecellError {}
