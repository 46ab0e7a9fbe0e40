#!/usr/bin/python3
"""A made-up Docker Engine on a unix socket: it answers a server at once and always alike, and in each attach stream plays
the keeper and the agent of docker/wire/frame.h; every program prints "2". So only the server's own work is left to count:
tests/bench/scripted_engine.py PATH [IMAGE…] (codecell/bash), until it is killed.

It makes no container and knows no failure: for those, tests/unit/lib/fake_engine.c.
"""
import contextlib
import json
import os
import re
import selectors
import socket
import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ = 1 << 16
FRAME = struct.Struct("<BBBBI")  # type, step, channel, 0, length of the payload
FILE, STEP, START, STDIN_END, PREPARE, RESET = 2, 4, 5, 7, 8, 9
READY, OUTPUT, STEP_END, DONE, PREPARED = 64, 65, 66, 67, 69
RUN, STDOUT = 2, 1
VERSION = int(re.search(r"#define FRAME_VERSION (\d+)u", (ROOT / "docker" / "wire" / "frame.h").read_text())[1])
NUMBER = 7  # of each capsule; a keeper draws it at random
MILLISECOND = 1_000_000  # in ns
MEMORY = 8 << 20


def frame(kind, payload=b"", step=0, channel=0):
    return FRAME.pack(kind, step, channel, 0, len(payload)) + payload


def from_container(data, channel=1):
    """As the engine frames a container's standard output (1) or standard error (2)."""
    return struct.pack(">BxxxI", channel, len(data)) + data


def ended(step):
    """STEP_END: exit code 0, no signal, no flag, 1 ms of wall and of CPU time."""
    return frame(STEP_END, struct.pack("<IIIIQQQ", 0, 0, 0, 0, MILLISECOND, MILLISECOND, MEMORY), step=step)


READY_FRAME = frame(READY, struct.pack("<IIQQ", VERSION, 0, NUMBER, MEMORY))
READY_FRAMES = from_container(READY_FRAME, 1) + from_container(READY_FRAME, 2)
PREPARED_FRAME = from_container(frame(PREPARED, struct.pack("<IIQ", 1, 0, MEMORY)))


def printed(argv):
    if b"--version" in argv:
        return b"5.2.15\n"
    return b"jq 1.7\n" if b"dpkg-query" in argv else b"2\n"


def answer_of(argv):
    return from_container(frame(OUTPUT, printed(argv), RUN, STDOUT) + ended(RUN) + frame(DONE, struct.pack("<II", 0, 1)))


class Agent:
    """Frames in, frames out."""

    def __init__(self):
        self.input, self.argv, self.started = b"", b"", False

    def heard(self, data):
        """Its answer to these bytes."""
        self.input += data
        at, said = 0, b""
        while len(self.input) - at >= FRAME.size:
            kind, _, _, _, length = FRAME.unpack_from(self.input, at)
            end = at + FRAME.size + length
            if end > len(self.input):
                break
            said += self.take(kind, self.input[at + FRAME.size:end])
            at = end
        self.input = self.input[at:]
        return said

    def take(self, kind, payload):
        if kind == STEP:
            self.argv = payload
        elif kind == START:
            self.started = True
        elif kind == PREPARE:
            return PREPARED_FRAME
        elif kind == RESET:
            return READY_FRAMES
        elif kind == STDIN_END and self.started:
            self.started = False
            return answer_of(self.argv)
        return b""


class Connection:
    def __init__(self, engine, sock):
        self.engine, self.socket = engine, sock
        self.input, self.agent, self.container = b"", None, None

    def send(self, data):
        """Writes without waiting: this would only block if the server left megabytes unread."""
        self.socket.sendall(data)

    def readable(self):
        try:
            data = self.socket.recv(READ)
        except ConnectionError:
            data = b""
        if not data:
            self.engine.close(self)
        elif self.agent:
            self.hear(data)
        else:
            self.input += data
            self.requests()

    def hear(self, data):
        said = self.agent.heard(data)
        if said:
            self.send(said)

    def requests(self):
        """Answers each whole request; what follows an attach is for the agent."""
        while not self.agent:
            head, found, rest = self.input.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
            length = int(length.group(1)) if length else 0
            if not found or len(rest) < length:
                return
            self.input = rest[length:]
            method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            self.answer(method, re.sub(r"^/v[0-9.]+", "", path))
        self.hear(self.input)

    def answer(self, method, path):
        attach = re.match(r"/containers/(\w+)/attach\?", path)
        if attach:
            self.container, self.agent = attach.group(1), Agent()
            self.engine.streams[self.container] = self
            self.send(b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
                      b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
            return
        status, body = self.engine.answer(method, path)
        text = json.dumps(body).encode() if body is not None else b""
        kind = "Content-Type: application/json\r\n" if text else ""
        self.send(f"HTTP/1.1 {status} -\r\nApi-Version: 1.41\r\n{kind}Content-Length: {len(text)}\r\n\r\n".encode() + text)
        start = re.fullmatch(r"/containers/(\w+)/start", path)
        if start:
            self.engine.streams[start.group(1)].send(READY_FRAMES)


class Engine:
    def __init__(self, path, images):
        self.images, self.streams, self.made = images, {}, 0
        self.selector = selectors.DefaultSelector()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        self.selector.register(self.listener, selectors.EVENT_READ, None)

    def answer(self, method, path):
        """Status and body of an answer that is not a stream."""
        if path == "/_ping":
            return 200, None
        if path == "/info":
            return 200, {"Runtimes": {"runc": {}}, "DefaultRuntime": "runc"}
        if path.startswith("/images/"):
            image = path[len("/images/"):].removesuffix("/json")
            known = {"Id": "sha256:" + "1" * 64, "Architecture": "amd64", "Size": 1, "Config": {}}
            return (200, known) if image in self.images else (404, {"message": "no such image"})
        if path.startswith("/containers/create"):
            self.made += 1
            return 201, {"Id": f"{self.made:064x}", "Warnings": []}
        if path.startswith("/containers/json"):
            return 200, []
        if path.startswith("/volumes") and method == "GET":
            return 200, {"Volumes": []}
        if path.startswith("/volumes") and method == "POST":
            return 201, {"Name": "volume"}
        if path.startswith("/containers/") and method == "DELETE":
            self.remove(re.match(r"/containers/([\w-]+)", path).group(1))
            return 204, None
        return (200, None) if method == "PUT" or path.endswith("/update") else (204, None)

    def remove(self, container):
        stream = self.streams.get(container)
        if stream:
            self.close(stream)

    def close(self, connection):
        self.streams.pop(connection.container, None)
        with contextlib.suppress(KeyError):
            self.selector.unregister(connection.socket)
        connection.socket.close()

    def accept(self):
        sock, _ = self.listener.accept()
        self.selector.register(sock, selectors.EVENT_READ, Connection(self, sock))

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    self.accept()
                elif key.fileobj.fileno() >= 0:
                    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                        key.data.readable()


if __name__ == "__main__":
    Engine(sys.argv[1], sys.argv[2:] or ["codecell/bash"]).run()
