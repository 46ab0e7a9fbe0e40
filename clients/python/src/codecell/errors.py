"""What goes wrong, as exceptions. All of them are CodecellError."""
from __future__ import annotations

import json
from typing import Any, Optional


class CodecellError(Exception):
    """A request that was not answered as asked.

    status: the HTTP status, 0 if there was no answer. detail: the server's sentence. retry_after: seconds after which
    another try may work, or None. request_id: the server's id of the request, for its log; or None.
    """

    def __init__(self, detail: str, status: int = 0, retry_after: Optional[float] = None,
                 request_id: Optional[str] = None):
        super().__init__(detail)
        self.detail, self.status, self.retry_after, self.request_id = detail, status, retry_after, request_id


class ConnectionFailed(CodecellError):
    """There was no whole answer: the server is away, or the connection broke."""


class BadRequest(CodecellError):
    """400, 413, 415 or 422: the request itself is wrong, and will be wrong again."""


class Unauthorized(CodecellError):
    """401: no key, or a wrong one."""


class OutOfCredits(CodecellError):
    """402: the key's prepaid credits are used up."""


class Forbidden(CodecellError):
    """403: the key may not do this."""


class NotFound(CodecellError):
    """404 or 410: there is no such thing, or it belongs to another key, or it is not kept any more."""


class Conflict(CodecellError):
    """409 or 412: the thing is in another state than the request wants."""


class RateLimited(CodecellError):
    """429: over the key's rate, or too much of its work waits."""


class ExecutionFailed(CodecellError):
    """500: the program could not be run. A program that ran into its time limit is a result, not this error."""


class Unavailable(CodecellError):
    """503 or 507: the server has no room or no engine at the moment."""


BY_STATUS = {400: BadRequest, 413: BadRequest, 415: BadRequest, 422: BadRequest, 401: Unauthorized, 402: OutOfCredits,
             403: Forbidden, 404: NotFound, 410: NotFound, 409: Conflict, 412: Conflict, 429: RateLimited,
             500: ExecutionFailed, 503: Unavailable, 507: Unavailable}


def seconds_of(header: Optional[str]) -> Optional[float]:
    """Retry-After as seconds. A date, which this server never sends, is None."""
    return float(header) if header is not None and header.isdigit() else None


def error_of(status: int, headers: Any, body: bytes) -> CodecellError:
    """The exception for an answer. headers: anything whose get() ignores case."""
    try:
        detail = str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        detail = body[:200].decode("utf-8", "replace") or f"The server answered {status}."
    kind = BY_STATUS.get(status, CodecellError)
    return kind(detail, status, seconds_of(headers.get("Retry-After")), headers.get("X-Request-Id"))
