"""A program and how it should run: what execute, stream, submit and batch take."""
from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

Content = Union[str, bytes]
Files = Union[Mapping[str, Content], Sequence[Mapping[str, Any]]]


def file_entry(path: str, content: Content) -> Dict[str, str]:
    if isinstance(content, str):
        return {"path": path, "content": content}
    return {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}


def file_entries(files: Files) -> List[Dict[str, Any]]:
    if isinstance(files, Mapping):
        return [file_entry(path, content) for path, content in files.items()]
    return [dict(file) for file in files]


@dataclass(frozen=True)
class Request:
    """The fields of POST /api/v1/execute. A field that is None is not sent, so the server's default holds.

    files: {path: text or bytes}, or a list of the API's own {path, content, encoding}. timeout: whole seconds.
    """

    code: str
    language: Optional[str] = None
    stdin: Optional[str] = None
    args: Optional[Sequence[str]] = None
    files: Optional[Files] = None
    environment: Optional[Mapping[str, str]] = None
    timeout: Optional[int] = None
    version: Optional[str] = None
    limits: Optional[Mapping[str, float]] = None
    outputs: Optional[Sequence[str]] = None
    evaluate: Optional[bool] = None
    kernel: Optional[bool] = None
    session_id: Optional[str] = None
    more: Mapping[str, Any] = field(default_factory=dict)  # fields that this client does not know

    def json(self) -> Dict[str, Any]:
        body = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("files", "more")}
        body = {name: value for name, value in body.items() if value is not None}
        if self.files is not None:
            body["files"] = file_entries(self.files)
        return {**body, **self.more}
