"""Reads server-sent events from a raw connection, piece by piece, as they come."""
import json
import socket
import time

from wire import PATIENCE


class Event:
    def __init__(self, id_, name, data, at):
        self.id, self.name, self.data, self.at = id_, name, data, at

    @property
    def json(self):
        return json.loads(self.data)

    def __repr__(self):
        return f"{self.id} {self.name} {self.data[:100]}"


class Events:
    """One stream. `size`: bytes of its socket's buffer; iterating gives the events; comments are kept apart."""

    def __init__(self, server, method, path, body=None, key=None, headers=None, size=None, version="1.1"):
        host, port = server.address.rsplit(":", 1)
        self.sock = socket.socket()
        if size:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        self.sock.settimeout(PATIENCE)
        self.sock.connect((host, int(port)))
        text = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/{version}", "Host: localhost", f"X-API-Key: {key or server.any_key}"]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(text)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.sent = time.monotonic()
        self.sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + text)
        self.raw, self.body, self.comments, self.ended = b"", b"", [], False
        self.status = None

    def head(self):
        while b"\r\n\r\n" not in self.raw:
            more = self.sock.recv(65536)
            assert more, f"the connection ended within the head: {self.raw!r}"
            self.raw += more
        head, self.raw = self.raw.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        self.chunked = self.headers.get("transfer-encoding") == "chunked"
        return self

    def _take_chunks(self):
        if not self.chunked:
            self.body, self.raw = self.body + self.raw, b""
            return
        while b"\r\n" in self.raw:
            size, rest = self.raw.split(b"\r\n", 1)
            length = int(size, 16)
            if len(rest) < length + 2:
                return
            self.body, self.raw = self.body + rest[:length], rest[length + 2:]
            self.ended = self.ended or length == 0

    def _read_more(self):
        more = self.sock.recv(65536)
        if not more:
            assert not self.chunked or self.ended, "the answer was cut"
            self.ended = True
        self.raw += more
        self._take_chunks()

    def __iter__(self):
        if self.status is None:
            self.head()
        self._take_chunks()
        while True:
            while b"\n\n" in self.body:
                block, self.body = self.body.split(b"\n\n", 1)
                fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if not line.startswith(":"))
                if fields:
                    yield Event(int(fields["id"]) if "id" in fields else None, fields["event"], fields["data"],
                                time.monotonic())
                else:
                    self.comments.append(block.decode())
            if self.ended:
                assert self.body == b""
                return
            self._read_more()

    def all(self):
        found = list(self)
        self.close()
        return found

    def text(self):
        """The whole body of an answer that is no stream."""
        if self.status is None:
            self.head()
        while len(self.raw) < int(self.headers["content-length"]):
            self.raw += self.sock.recv(65536)
        self.close()
        return self.raw.decode()

    def close(self):
        self.sock.close()


def stream(server, code, language="bash", key=None, headers=None, size=None, version="1.1", **fields):
    body = {"code": code, "language": language, "stream": True, **fields}
    return Events(server, "POST", "/api/v1/execute", body, key, headers, size, version)


def follow(server, id_, key=None, last=None, size=None):
    headers = {} if last is None else {"Last-Event-ID": last}
    return Events(server, "GET", f"/api/v1/executions/{id_}/events", None, key, headers, size)


def joined(events, name, step="run"):
    return "".join(event.json["data"] for event in events if event.name == name and event.json["step"] == step)
