// What goes wrong, as exceptions. All of them are CodecellError.

export class CodecellError extends Error {
  constructor(detail, { status = 0, retryAfter = null, requestId = null, cause } = {}) {
    super(detail, cause === undefined ? undefined : { cause });
    this.name = this.constructor.name;
    this.detail = detail;
    this.status = status;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
  }
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

const byStatus = {
  400: BadRequest, 413: BadRequest, 415: BadRequest, 422: BadRequest,
  401: Unauthorized, 402: OutOfCredits, 403: Forbidden, 404: NotFound, 410: NotFound,
  409: Conflict, 412: Conflict, 429: RateLimited, 500: ExecutionFailed, 503: Unavailable, 507: Unavailable,
};

// Retry-After as seconds. A date, which this server never sends, is null.
export function secondsOf(header) {
  return header !== null && /^\d+$/.test(header) ? Number(header) : null;
}

// The exception for an answer whose body has been read.
export function errorOf(response, text) {
  let detail;
  try {
    detail = JSON.parse(text).detail;
  } catch {
    detail = text.slice(0, 200);
  }
  const Kind = byStatus[response.status] ?? CodecellError;
  return new Kind(String(detail || `The server answered ${response.status}.`), {
    status: response.status,
    retryAfter: secondsOf(response.headers.get("retry-after")),
    requestId: response.headers.get("x-request-id"),
  });
}
