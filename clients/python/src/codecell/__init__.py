"""Client of Codecell, a server that runs other people's programs in locked-down containers.

    from codecell import Client
    with Client(key="cc_…") as codecell:
        print(codecell.execute("print(6 * 7)", "python").stdout)

AsyncClient, with the same operations as coroutines, needs httpx: pip install 'codecell[async]'.
"""
from . import api
from .errors import (BadRequest, CodecellError, Conflict, ConnectionFailed, ExecutionFailed, Forbidden, NotFound,
                     OutOfCredits, RateLimited, Unauthorized, Unavailable)
from .request import Request
from .results import Event, Execution, OutputFile, Status
from .sync import Client, Job, Session

__all__ = ["AsyncClient", "BadRequest", "Client", "CodecellError", "Conflict", "ConnectionFailed", "Event",
           "Execution", "ExecutionFailed", "Forbidden", "Job", "NotFound", "OutOfCredits", "OutputFile",
           "RateLimited", "Request", "Session", "Status", "Unauthorized", "Unavailable", "api"]


def __getattr__(name: str) -> object:
    if name == "AsyncClient":
        from .asynchronous import AsyncClient
        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
