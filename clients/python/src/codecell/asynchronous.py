"""The client for asyncio, over httpx. Its operations are those of sync.Client, as coroutines."""
from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager
from typing import Any, AsyncContextManager, AsyncIterator, Dict, List, Mapping, Optional, Sequence, Union, cast
from urllib.parse import quote

import httpx

from . import api, flows
from .errors import CodecellError, ConnectionFailed, error_of
from .event_stream import EventReader
from .flows import Flow, Response, Send, Sleep, T
from .request import Content, Request
from .results import Event, Execution, Status
from .sync import DEFAULT_URL, PATIENCE


class AsyncClient:
    """A connection to a server, for asyncio.

        async with AsyncClient("http://localhost:8002", key="cc_…") as codecell:
            print((await codecell.execute("print(6 * 7)", "python")).stdout)

    The arguments are those of Client. options: further ones of httpx.AsyncClient, such as `verify` or `transport`.
    """

    def __init__(self, url: Optional[str] = None, key: Optional[str] = None, *, retries: int = 2,
                 timeout: float = PATIENCE, **options: Any):
        key = key if key is not None else os.environ.get("CODECELL_KEY")
        headers = {"User-Agent": "codecell-python", **({"X-API-Key": key} if key is not None else {})}
        self._retries, self._timeout = retries, timeout
        self._http = httpx.AsyncClient(base_url=url or os.environ.get("CODECELL_URL") or DEFAULT_URL, headers=headers,
                                       **options)

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    # Sending.

    async def _send(self, send: Send) -> Response:
        try:
            answer = await self._http.request(send.method, send.path, content=send.body, headers=send.headers,
                                              timeout=self._timeout + send.timeout)
            return Response(answer.status_code, answer.headers, answer.content)
        except httpx.HTTPError as error:
            return Response(failure=f"{type(error).__name__}: {error}")

    async def _run(self, flow: Flow[T]) -> T:
        response: Optional[Response] = None
        try:
            while True:
                step = flow.send(response)
                response = None
                if isinstance(step, Sleep):
                    await asyncio.sleep(step.seconds)
                else:
                    response = await self._send(step)
        except StopIteration as end:
            return cast(T, end.value)

    @asynccontextmanager
    async def _open(self, send: Send, body: Any = None) -> AsyncIterator[httpx.Response]:
        content = body if body is not None else send.body
        try:
            async with self._http.stream(send.method, send.path, content=content, headers=send.headers,
                                         timeout=self._timeout + send.timeout) as answer:
                if not answer.is_success:
                    raise error_of(answer.status_code, answer.headers, await answer.aread())
                yield answer
        except httpx.HTTPError as error:
            raise ConnectionFailed(f"{type(error).__name__}: {error}") from error

    async def _events(self, send: Send) -> AsyncIterator[Event]:
        async with self._open(send) as answer:
            reader = EventReader()
            async for piece in answer.aiter_bytes():
                for event in reader.feed(piece):
                    yield event

    # Running programs.

    async def execute(self, code: str, language: Optional[str] = None, **fields: Any) -> Execution:
        return await self._run(flows.execute(Request(code, language, **fields), self._retries))

    def stream(self, code: str, language: Optional[str] = None, **fields: Any) -> AsyncIterator[Event]:
        return self._events(flows.stream_send(Request(code, language, **fields)))

    async def batch(self, requests: Sequence[Request]) -> List[Union[Execution, CodecellError]]:
        return await self._run(flows.batch(list(requests), self._retries))

    async def submit(self, code: str, language: Optional[str] = None, *, webhook: Optional[Mapping[str, str]] = None,
                     **fields: Any) -> "AsyncJob":
        status = await self._run(flows.submit(Request(code, language, **fields), self._retries, webhook))
        return AsyncJob(self, status)

    async def job(self, execution_id: str) -> "AsyncJob":
        return AsyncJob(self, await self._run(flows.status(execution_id, self._retries)))

    # What there is.

    async def languages(self) -> List[api.Language]:
        return await self._run(flows.languages(self._retries))

    async def executions(self, **filters: Any) -> List[api.Execution]:
        return await self._run(flows.pages(flows.path_of("executions"), self._retries, filters))

    async def usage(self, since: Optional[str] = None, until: Optional[str] = None, by: str = "day") -> api.Usage:
        return await self._run(flows.usage(self._retries, since, until, by))

    # Sessions.

    async def session(self, session_id: Optional[str] = None, *, keep: bool = False, **fields: Any) -> "AsyncSession":
        """Makes a session: `async with await codecell.session(workspace=True) as session`."""
        body = {name: value for name, value in {"session_id": session_id, **fields}.items() if value is not None}
        return AsyncSession(self, await self._run(flows.change("POST", flows.path_of("sessions"), body)), keep)

    async def open_session(self, session_id: str) -> "AsyncSession":
        info = await self._run(flows.get(flows.path_of("sessions", session_id), self._retries))
        return AsyncSession(self, info, True)

    async def sessions(self) -> List[api.Session]:
        return await self._run(flows.pages(flows.path_of("sessions"), self._retries))


class AsyncJob:
    """A program in the background."""

    def __init__(self, client: AsyncClient, status: Status):
        self._client, self.execution_id, self.last = client, status.execution_id, status

    async def status(self) -> Status:
        self.last = await self._client._run(flows.status(self.execution_id, self._client._retries))
        return self.last

    async def wait(self, timeout: Optional[float] = None) -> Execution:
        return await self._client._run(flows.wait(self.execution_id, self._client._retries, time.monotonic, timeout))

    def events(self, last_event_id: Optional[str] = None) -> AsyncIterator[Event]:
        return self._client._events(flows.follow_send(self.execution_id, last_event_id))

    async def cancel(self) -> api.Execution:
        return await self._client._run(flows.cancel(self.execution_id))


class AsyncSession:
    """A session; leaving an `async with` block deletes it."""

    def __init__(self, client: AsyncClient, info: api.Session, keep: bool):
        self._client, self.info, self.keep = client, info, keep
        self.id = info["session_id"]

    async def __aenter__(self) -> "AsyncSession":
        return self

    async def __aexit__(self, *error: object) -> None:
        if not self.keep:
            await self.delete()

    def _path(self, *parts: str) -> str:
        return flows.path_of("sessions", self.id, *parts)

    def _file(self, path: str) -> str:
        return self._path("files") + "/" + quote(path)

    async def refresh(self) -> api.Session:
        self.info = await self._client._run(flows.get(self._path(), self._client._retries))
        return self.info

    async def delete(self) -> None:
        await self._client._run(flows.delete(self._path()))

    async def execute(self, code: str, language: Optional[str] = None, **fields: Any) -> Execution:
        return await self._client.execute(code, language, session_id=self.id, **fields)

    def stream(self, code: str, language: Optional[str] = None, **fields: Any) -> AsyncIterator[Event]:
        return self._client.stream(code, language, session_id=self.id, **fields)

    async def executions(self) -> List[api.Execution]:
        return await self._client._run(flows.pages(self._path("executions"), self._client._retries))

    # The kernel.

    async def run_cell(self, code: str, language: Optional[str] = None, **fields: Any) -> Execution:
        return await self.execute(code, language, kernel=True, **fields)

    async def interrupt(self) -> api.Message:
        """Interrupts the cell that runs; its state stays. Conflict if none runs."""
        return await self._client._run(flows.kernel(self.id, "interrupt"))

    async def restart(self) -> api.Message:
        """Ends the interpreter and the cell that runs; the files stay."""
        return await self._client._run(flows.kernel(self.id, "restart"))

    # Files.

    async def files(self, path: Optional[str] = None, depth: Optional[int] = None) -> List[api.FileInfo]:
        return await self._client._run(flows.pages(self._path("files"), self._client._retries,
                                             {"path": path, "depth": depth}))

    async def read(self, path: str) -> bytes:
        async with self.open(path) as answer:
            return await answer.aread()

    def open(self, path: str) -> AsyncContextManager[httpx.Response]:
        """`async with session.open(path) as answer: async for piece in answer.aiter_bytes(): …`"""
        return self._client._open(Send("GET", self._file(path)))

    async def write(self, path: str, content: Union[Content, Any]) -> None:
        """content: text, bytes, or an async iterable of bytes."""
        body = content.encode() if isinstance(content, str) else content
        async with self._client._open(Send("PUT", self._file(path),
                                           headers={"Content-Type": "application/octet-stream"}), body):
            pass

    async def remove(self, path: str) -> None:
        await self._client._run(flows.delete(self._file(path)))

    def archive(self) -> AsyncContextManager[httpx.Response]:
        """All files as .tar.gz; used as open() is."""
        return self._client._open(Send("GET", self._path("archive")))

    async def restore(self, archive: Any) -> None:
        async with self._client._open(Send("PUT", self._path("archive"),
                                           headers={"Content-Type": "application/gzip"}), archive):
            pass
