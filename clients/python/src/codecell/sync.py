"""The client for programs that wait for each answer. It needs nothing but Python."""
from __future__ import annotations

import http.client
import os
import ssl
import threading
import time
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Union, cast
from urllib.parse import quote, urlsplit

from . import api, flows
from .errors import CodecellError, ConnectionFailed, error_of
from .event_stream import EventReader
from .flows import Flow, Response, Send, Sleep, T
from .request import Content, Request
from .results import Event, Execution, Status

PATIENCE = 30.0  # seconds that an answer may take beyond the time of the program
PIECE = 65536  # bytes of a body that are read at once
DEFAULT_URL = "http://localhost:8002"


class Connections(threading.local):
    """One connection for each thread."""

    connection: Optional[http.client.HTTPConnection] = None


class Client:
    """A connection to a server. It may be shared by threads.

        with Client("http://localhost:8002", key="cc_…") as codecell:
            print(codecell.execute("print(6 * 7)", "python").stdout)

    url and key: by default from the environment, CODECELL_URL and CODECELL_KEY. retries: how often a request that was
    refused for now (429, 503), or whose answer was lost, is sent again. timeout: seconds that an answer may take beyond
    the program's own time.
    """

    def __init__(self, url: Optional[str] = None, key: Optional[str] = None, *, retries: int = 2,
                 timeout: float = PATIENCE, context: Optional[ssl.SSLContext] = None):
        parts = urlsplit(url or os.environ.get("CODECELL_URL") or DEFAULT_URL)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http or https URL: {parts.geturl()!r}")
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._root = parts.path.rstrip("/")
        self._key = key if key is not None else os.environ.get("CODECELL_KEY")
        self._retries, self._timeout, self._context = retries, timeout, context
        self._connections = Connections()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes this thread's connection."""
        self._drop()

    # Sending.

    def _drop(self) -> None:
        if self._connections.connection is not None:
            self._connections.connection.close()
            self._connections.connection = None

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        if self._secure:
            return http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._context)
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout)

    def _headers(self, send: Send) -> Dict[str, str]:
        headers = {"User-Agent": "codecell-python", **send.headers}
        if self._key is not None:
            headers["X-API-Key"] = self._key
        return headers

    def _request(self, connection: http.client.HTTPConnection, send: Send, body: Any) -> http.client.HTTPResponse:
        connection.request(send.method, self._root + send.path, body, self._headers(send))
        return connection.getresponse()

    def _send(self, send: Send) -> Response:
        timeout = self._timeout + send.timeout
        kept = self._connections.connection
        connection = kept or self._connect(timeout)
        self._connections.connection = connection
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        try:
            answer = self._request(connection, send, send.body)
            return Response(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            if kept is not None and isinstance(error, (http.client.RemoteDisconnected, ConnectionError)) \
                    and not isinstance(error, TimeoutError):
                return self._send_again(send, error)
            return Response(failure=f"{type(error).__name__}: {error}")

    def _send_again(self, send: Send, error: Exception) -> Response:
        """The server may have closed an idle connection just before: a request that may be repeated gets a new one."""
        if send.method in ("GET", "PUT", "DELETE") or "Idempotency-Key" in send.headers:
            return self._send(send)
        return Response(failure=f"{type(error).__name__}: {error}")

    def _run(self, flow: Flow[T]) -> T:
        response: Optional[Response] = None
        try:
            while True:
                step = flow.send(response)
                response = None
                if isinstance(step, Sleep):
                    time.sleep(step.seconds)
                else:
                    response = self._send(step)
        except StopIteration as end:
            return cast(T, end.value)

    def _open(self, send: Send, body: Any = None) -> "OpenAnswer":
        """An answer that is read in pieces, on a connection of its own."""
        connection = self._connect(self._timeout + send.timeout)
        try:
            answer = self._request(connection, send, body if body is not None else send.body)
            if not 200 <= answer.status < 300:
                raise error_of(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise ConnectionFailed(f"{type(error).__name__}: {error}") from error
        except CodecellError:
            connection.close()
            raise
        return OpenAnswer(connection, answer)

    def _events(self, send: Send) -> Iterator[Event]:
        with self._open(send) as answer:
            reader = EventReader()
            for piece in answer.pieces():
                yield from reader.feed(piece)

    # Running programs.

    def execute(self, code: str, language: Optional[str] = None, **fields: Any) -> Execution:
        """Runs a program to its end. fields: those of Request."""
        return self._run(flows.execute(Request(code, language, **fields), self._retries))

    def stream(self, code: str, language: Optional[str] = None, **fields: Any) -> Iterator[Event]:
        """Runs a program and yields its events as they come. Closing the iterator ends the program."""
        return self._events(flows.stream_send(Request(code, language, **fields)))

    def batch(self, requests: Sequence[Request]) -> List[Union[Execution, CodecellError]]:
        """Runs up to ten programs side by side; the answers in the same order."""
        return self._run(flows.batch(list(requests), self._retries))

    def submit(self, code: str, language: Optional[str] = None, *, webhook: Optional[Mapping[str, str]] = None,
               **fields: Any) -> "Job":
        """Accepts a program to run in the background. webhook: {"url": …, "secret": "whsec_…"}."""
        return Job(self, self._run(flows.submit(Request(code, language, **fields), self._retries, webhook)))

    def job(self, execution_id: str) -> "Job":
        """A program that was submitted before."""
        return Job(self, self._run(flows.status(execution_id, self._retries)))

    # What there is.

    def languages(self) -> List[api.Language]:
        """What can run now, each as the API tells it."""
        return self._run(flows.languages(self._retries))

    def executions(self, **filters: Any) -> List[api.Execution]:
        """The key's records, newest first. filters: session_id, language, status."""
        return self._run(flows.pages(flows.path_of("executions"), self._retries, filters))

    def usage(self, since: Optional[str] = None, until: Optional[str] = None, by: str = "day") -> api.Usage:
        """The key's own counters. Days as YYYY-MM-DD; by: day or language."""
        return self._run(flows.usage(self._retries, since, until, by))

    # Sessions.

    def session(self, session_id: Optional[str] = None, *, keep: bool = False, **fields: Any) -> "Session":
        """Makes a session. fields: those of POST /api/v1/sessions. keep: it stays after a `with` block."""
        body = {name: value for name, value in {"session_id": session_id, **fields}.items() if value is not None}
        made = self._run(flows.change("POST", flows.path_of("sessions"), body))
        return Session(self, made, keep)

    def open_session(self, session_id: str) -> "Session":
        """A session that is there already; a `with` block leaves it."""
        return Session(self, self._run(flows.get(flows.path_of("sessions", session_id), self._retries)), True)

    def sessions(self) -> List[api.Session]:
        return self._run(flows.pages(flows.path_of("sessions"), self._retries))


class OpenAnswer:
    """An answer's body, in pieces. It must be closed, or used with `with`."""

    def __init__(self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse):
        self._connection, self._answer = connection, answer
        self.headers = answer.headers

    def __enter__(self) -> "OpenAnswer":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def pieces(self) -> Iterator[bytes]:
        try:
            while piece := self._answer.read1(PIECE):
                yield piece
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionFailed(f"the answer was cut: {type(error).__name__}: {error}") from error


class Job:
    """A program in the background."""

    def __init__(self, client: Client, status: Status):
        self._client, self.execution_id, self.last = client, status.execution_id, status

    def status(self) -> Status:
        self.last = self._client._run(flows.status(self.execution_id, self._client._retries))
        return self.last

    def wait(self, timeout: Optional[float] = None) -> Execution:
        """Its result, as soon as it is done. TimeoutError after `timeout` seconds; the program goes on."""
        return self._client._run(flows.wait(self.execution_id, self._client._retries, time.monotonic, timeout))

    def events(self, last_event_id: Optional[str] = None) -> Iterator[Event]:
        """Follows it from its beginning, or after an event that was read before."""
        return self._client._events(flows.follow_send(self.execution_id, last_event_id))

    def cancel(self) -> api.Execution:
        """Its record. Conflict if it has ended already."""
        return self._client._run(flows.cancel(self.execution_id))


class Session:
    """A session; with `workspace=True` its executions share a folder. Leaving a `with` block deletes it."""

    def __init__(self, client: Client, info: api.Session, keep: bool):
        self._client, self.info, self.keep = client, info, keep
        self.id = info["session_id"]

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *error: object) -> None:
        if not self.keep:
            self.delete()

    def _path(self, *parts: str) -> str:
        return flows.path_of("sessions", self.id, *parts)

    def _file(self, path: str) -> str:
        return self._path("files") + "/" + quote(path)

    def refresh(self) -> api.Session:
        self.info = self._client._run(flows.get(self._path(), self._client._retries))
        return self.info

    def delete(self) -> None:
        """Stops what runs in it; removes its files and records."""
        self._client._run(flows.delete(self._path()))

    def execute(self, code: str, language: Optional[str] = None, **fields: Any) -> Execution:
        return self._client.execute(code, language, session_id=self.id, **fields)

    def stream(self, code: str, language: Optional[str] = None, **fields: Any) -> Iterator[Event]:
        return self._client.stream(code, language, session_id=self.id, **fields)

    def executions(self) -> List[api.Execution]:
        return self._client._run(flows.pages(self._path("executions"), self._client._retries))

    # The kernel.

    def run_cell(self, code: str, language: Optional[str] = None, **fields: Any) -> Execution:
        """Runs code in the session's interpreter, whose state stays."""
        return self.execute(code, language, kernel=True, **fields)

    def interrupt(self) -> api.Message:
        """Interrupts the cell that runs; its state stays. Conflict if none runs."""
        return self._client._run(flows.kernel(self.id, "interrupt"))

    def restart(self) -> api.Message:
        """Ends the interpreter and the cell that runs; the files stay."""
        return self._client._run(flows.kernel(self.id, "restart"))

    # Files.

    def files(self, path: Optional[str] = None, depth: Optional[int] = None) -> List[api.FileInfo]:
        return self._client._run(flows.pages(self._path("files"), self._client._retries,
                                             {"path": path, "depth": depth}))

    def read(self, path: str) -> bytes:
        with self.open(path) as answer:
            return b"".join(answer.pieces())

    def open(self, path: str) -> OpenAnswer:
        """A file's bytes in pieces: for files that should not be in memory at once."""
        return self._client._open(Send("GET", self._file(path)))

    def write(self, path: str, content: Union[Content, Any]) -> None:
        """content: text, bytes, or a file that is open for reading in binary."""
        body = content.encode() if isinstance(content, str) else content
        self._client._open(Send("PUT", self._file(path), headers={"Content-Type": "application/octet-stream"}),
                           body).close()

    def remove(self, path: str) -> None:
        self._client._run(flows.delete(self._file(path)))

    def archive(self) -> OpenAnswer:
        """All files as .tar.gz."""
        return self._client._open(Send("GET", self._path("archive")))

    def restore(self, archive: Any) -> None:
        """Replaces all files by those of a .tar.gz: bytes, or a file that is open for reading in binary."""
        self._client._open(Send("PUT", self._path("archive"), headers={"Content-Type": "application/gzip"}),
                           archive).close()
