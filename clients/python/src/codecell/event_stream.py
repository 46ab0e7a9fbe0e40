"""Server-sent events, without any I/O: bytes in, events out."""
from __future__ import annotations

import json
from typing import Dict, Iterator, List, Optional

from .results import Event


class EventReader:
    """Takes an event stream in pieces of any size. https://html.spec.whatwg.org/multipage/server-sent-events.html"""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: List[str] = []

    def feed(self, data: bytes) -> Iterator[Event]:
        """Events that are whole now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip("\r")
            if text:
                self._lines.append(text)
                continue
            event = self._event()
            self._lines = []
            if event is not None:
                yield event

    def _event(self) -> Optional[Event]:
        fields: Dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(":")
            if name:  # a line that begins with a colon is a comment
                value = value[1:] if value.startswith(" ") else value
                fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value
        if "data" not in fields:
            return None
        return Event(fields.get("event", "message"), json.loads(fields["data"]), fields.get("id"))
