"""What comes back, as objects. Each has `raw`, the answer's JSON as it came."""
from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional


def known(kind: Any, answer: Dict[str, Any]) -> Dict[str, Any]:
    """Those values of an answer that a dataclass has fields for. A later server may send more."""
    return {name: value for name, value in answer.items() if name in kind.__dataclass_fields__ and name != "raw"}


@dataclass(frozen=True)
class OutputFile:
    """A file that a program left and the request asked for."""

    path: str
    content: bytes = field(repr=False)
    size: int
    type: Optional[str]

    @classmethod
    def of(cls, answer: Dict[str, Any]) -> "OutputFile":
        text = answer["content"]
        content = base64.b64decode(text) if answer.get("encoding") == "base64" else text.encode()
        return cls(answer["path"], content, answer["size"], answer.get("type"))


@dataclass(frozen=True)
class Execution:
    """A program that ran. Times are seconds; -1 or None: not known."""

    execution_id: str
    stdout: str
    stderr: str
    exit_code: int
    execution_time: float
    language: str
    session_id: Optional[str] = None
    version: Optional[str] = None
    status: str = "completed"
    signal: Optional[str] = None
    timed_out: bool = False
    stdout_truncated: bool = False
    stderr_truncated: bool = False
    cpu_time: Optional[float] = None
    memory_mb: Optional[float] = None
    compile: Optional[Dict[str, Any]] = None
    queue_time: Optional[float] = None
    files: List[OutputFile] = field(default_factory=list)
    result: Optional[str] = None
    error: Optional[Dict[str, str]] = None
    results: List[Dict[str, Any]] = field(default_factory=list)
    execution_count: Optional[int] = None
    warnings: List[str] = field(default_factory=list)
    raw: Dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """The program ended by itself with exit code 0."""
        return self.status == "completed" and self.exit_code == 0

    @classmethod
    def of(cls, answer: Dict[str, Any]) -> "Execution":
        values: Dict[str, Any] = {"stdout": "", "stderr": "", **known(cls, answer)}
        values["files"] = [OutputFile.of(file) for file in answer.get("files") or []]
        for name in ("results", "warnings"):
            values[name] = answer.get(name) or []
        return cls(**values, raw=answer)


@dataclass(frozen=True)
class Status:
    """An execution in the background, as it stands. result: not None once it is done."""

    execution_id: str
    status: str
    created_at: str
    started_at: Optional[str] = None
    completed_at: Optional[str] = None
    result: Optional[Execution] = None
    raw: Dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def done(self) -> bool:
        return self.completed_at is not None

    @classmethod
    def of(cls, answer: Dict[str, Any]) -> "Status":
        values = known(cls, answer)
        result = answer.get("result")
        values["result"] = Execution.of(result) if result and "execution_id" in result else None
        return cls(**values, raw=answer)


@dataclass(frozen=True)
class Event:
    """One event of a stream. name: start, stdout, stderr, file or result; data: its JSON; id: counts from 1."""

    name: str
    data: Dict[str, Any]
    id: Optional[str] = None

    @property
    def text(self) -> str:
        """The output of a stdout or stderr event; else empty."""
        return self.data.get("data", "") if self.name in ("stdout", "stderr") else ""
