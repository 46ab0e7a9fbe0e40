"""What each operation sends and how it goes on, without any I/O. Sync and async clients both drive these generators.

A flow yields Send and gets a Response, or yields Sleep and gets None. What it returns is the operation's value.
"""
from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Generator, Iterable, List, Mapping, Optional, TypeVar, Union
from urllib.parse import quote, urlencode

from . import api
from .errors import CodecellError, ConnectionFailed, error_of, seconds_of
from .request import Request
from .results import Execution, Status

WAIT_MAX = 60  # seconds that the server lets one request for a status wait
PAUSE_MAX = 30.0  # seconds between two tries, whatever the server says
FIRST_PAUSE = 0.25  # seconds, if the server says nothing; doubles with each try
RETRIED = (429, 503)


@dataclass(frozen=True)
class Send:
    """A request to send. timeout: seconds that its answer may take beyond the client's own patience."""

    method: str
    path: str
    body: Optional[bytes] = None
    headers: Dict[str, str] = field(default_factory=dict)
    timeout: float = 0.0


@dataclass(frozen=True)
class Sleep:
    seconds: float


@dataclass(frozen=True)
class Response:
    """An answer, or why there is none. headers: get() ignores case."""

    status: int = 0
    headers: Any = field(default_factory=dict)
    body: bytes = b""
    failure: Optional[str] = None

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise CodecellError(f"The answer is not JSON: {error}", self.status) from error


Step = Union[Send, Sleep]
T = TypeVar("T")
Flow = Generator[Step, Optional[Response], T]


def path_of(*parts: str) -> str:
    return "/api/v1/" + "/".join(quote(part, safe="") for part in parts)


def with_query(path: str, query: Mapping[str, Any]) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def as_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


# Sending, and trying again.

def pause_before(attempt: int, response: Response) -> float:
    """Full jitter below a limit that doubles; never less than what the server asks for."""
    asked = seconds_of(response.headers.get("Retry-After")) if response.failure is None else None
    own = random.uniform(0, FIRST_PAUSE * 2 ** attempt)
    return min(PAUSE_MAX, (asked or 0.0) + own)


def may_retry(send: Send, response: Response, attempt: int) -> bool:
    """A request that runs something is sent again after a lost answer only under an Idempotency-Key."""
    safe = send.method in ("GET", "PUT", "DELETE") or "Idempotency-Key" in send.headers
    if response.failure is not None:
        return safe
    under_way = response.status == 409 and attempt > 0 and "Idempotency-Key" in send.headers
    return response.status in RETRIED or under_way


def deliver(send: Send, retries: int) -> Flow[Response]:
    """Sends until there is an answer that another try would not change; the Response, whatever its status."""
    attempt = 0
    while True:
        response = yield send
        assert response is not None  # a driver answers each Send
        if attempt == retries or not may_retry(send, response, attempt):
            break
        yield Sleep(pause_before(attempt, response))
        attempt += 1
    if response.failure is not None:
        raise ConnectionFailed(response.failure)
    return response


def ask(send: Send, retries: int, read: Callable[[Response], T]) -> Flow[T]:
    response = yield from deliver(send, retries)
    if not 200 <= response.status < 300:
        raise error_of(response.status, response.headers, response.body)
    return read(response)


def json_object(response: Response) -> Any:
    """The object that an answer is; empty if the answer has no body."""
    answer = response.json() if response.body else {}
    if not isinstance(answer, dict):
        raise CodecellError("The answer is not an object.", response.status)
    return answer


def get(path: str, retries: int, query: Mapping[str, Any] = {}) -> Flow[Any]:
    return ask(Send("GET", with_query(path, query)), retries, json_object)


def change(method: str, path: str, value: Any) -> Flow[Any]:
    """A change is not sent again after a lost answer: it may have happened."""
    send = Send(method, path, as_json(value), {"Content-Type": "application/json"})
    return ask(send, 0, json_object)


def delete(path: str) -> Flow[Any]:
    return ask(Send("DELETE", path), 0, json_object)


def usage(retries: int, since: Optional[str], until: Optional[str], by: str) -> Flow[api.Usage]:
    return get(path_of("usage"), retries, {"from": since, "to": until, "by": by})


def cancel(execution_id: str) -> Flow[api.Execution]:
    return delete(path_of("executions", execution_id))


def kernel(session_id: str, operation: str) -> Flow[api.Message]:
    """operation: interrupt or restart."""
    return change("POST", path_of("sessions", session_id, operation), {})


# Running programs.

def run_headers(retries: int) -> Dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if retries > 0:
        headers["Idempotency-Key"] = str(uuid.uuid4())
    return headers


def patience_of(requests: Iterable[Request]) -> float:
    """How long the programs may run at most, in seconds."""
    return float(max([request.timeout or 30 for request in requests], default=30))


def execution_of(response: Response) -> Execution:
    """A program that ran into its time limit is a 500 with all of a result's fields."""
    answer = response.json() if response.status in (200, 500) else None
    if isinstance(answer, dict) and "execution_id" in answer and "exit_code" in answer:
        return Execution.of(answer)
    raise error_of(response.status, response.headers, response.body)


def execute(request: Request, retries: int) -> Flow[Execution]:
    send = Send("POST", path_of("execute"), as_json(request.json()), run_headers(retries), patience_of([request]))
    response = yield from deliver(send, retries)
    return execution_of(response)


def batch(requests: List[Request], retries: int) -> Flow[List[Union[Execution, CodecellError]]]:
    body = as_json([request.json() for request in requests])
    send = Send("POST", path_of("execute", "batch"), body, run_headers(retries), patience_of(requests))
    return ask(send, retries, lambda response: [item_of(item) for item in response.json()])


def item_of(answer: Dict[str, Any]) -> Union[Execution, CodecellError]:
    if "execution_id" in answer and "exit_code" in answer:
        return Execution.of(answer)
    return CodecellError(str(answer.get("detail", "The program did not run.")), 200)


def stream_send(request: Request) -> Send:
    """It is not sent again after a failure, because some of the stream may have been read."""
    return Send("POST", path_of("execute"), as_json({**request.json(), "stream": True}),
                {"Content-Type": "application/json", "Accept": "text/event-stream"}, patience_of([request]))


def follow_send(execution_id: str, last_event_id: Optional[str]) -> Send:
    headers = {"Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = last_event_id
    return Send("GET", path_of("executions", execution_id, "events"), headers=headers, timeout=300.0)


# In the background.

def submit(request: Request, retries: int, webhook: Optional[Mapping[str, str]]) -> Flow[Status]:
    body = request.json() if webhook is None else {**request.json(), "webhook": dict(webhook)}
    send = Send("POST", path_of("execute", "async"), as_json(body), run_headers(retries))
    return ask(send, retries, lambda response: Status.of(response.json()))


def status(execution_id: str, retries: int, wait: Optional[float] = None) -> Flow[Status]:
    path = with_query(path_of("execute", "status", execution_id), {"wait": None if wait is None else int(wait)})
    return ask(Send("GET", path, timeout=wait or 0.0), retries, lambda response: Status.of(response.json()))


def wait(execution_id: str, retries: int, clock: Callable[[], float],
         limit: Optional[float]) -> Flow[Execution]:
    """Until it is done, or `limit` seconds are over: then TimeoutError. clock: monotonic seconds."""
    end = None if limit is None else clock() + limit
    while True:
        left = WAIT_MAX if end is None else max(0.0, min(WAIT_MAX, end - clock()))
        now = yield from status(execution_id, retries, wait=left)
        if now.result is not None:
            return now.result
        if now.done:
            raise CodecellError(f"execution {execution_id} has no result: {now.status}")
        if end is not None and clock() >= end:
            raise TimeoutError(f"execution {execution_id} is still {now.status} after {limit} s")
        if left < 1:
            yield Sleep(min(0.1, left))


# Lists.

def languages(retries: int) -> Flow[List[api.Language]]:
    answer = yield from get(path_of("languages"), retries)
    return list(answer["languages"])


def pages(path: str, retries: int, query: Mapping[str, Any] = {}) -> Flow[List[Any]]:
    """All items of a list, page by page."""
    items: List[Any] = []
    cursor: Optional[str] = None
    while True:
        page = yield from get(path, retries, {**query, "cursor": cursor})
        items += page["items"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return items
