"""HTTP as the tests see it: an answer, and a socket on which a test writes its own bytes."""
import json
import socket
import struct

PATIENCE = 60.0  # seconds until a test that waits for a state fails; see codecell.wait_for


def no_name_twice(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a name twice in an answer: {names}"
    return dict(pairs)


class Answer:
    """One HTTP answer: status, headers (lower-case names, values in a list), body."""

    def __init__(self, status, headers, body, version="HTTP/1.1"):
        self.status, self.body, self.version = status, body, version
        self.headers = {}
        for name, value in headers:
            self.headers.setdefault(name.lower(), []).append(value.strip())

    def header(self, name, default=None):
        """The only header of that name."""
        values = self.headers.get(name.lower(), [])
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else default

    @property
    def json(self):
        assert self.header("Content-Type") == "application/json", self
        return json.loads(self.body.decode("utf-8"), object_pairs_hook=no_name_twice)

    @property
    def detail(self):
        """The sentence of an error, which must be its whole content."""
        assert self.status >= 400, self
        content = self.json
        assert list(content) == ["detail"] and isinstance(content["detail"], str) and content["detail"], self
        assert "\n" not in content["detail"], self
        return content["detail"]

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:600]!r}>"


class Wire:
    """A connection on which a test writes and reads bytes."""

    def __init__(self, address, receive_buffer=None, source=None):
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            target = address[len("unix:"):]
        else:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            host, port = address.rsplit(":", 1)
            target = (host.strip("[]"), int(port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.socket.bind((source, 0))
        self.socket.settimeout(PATIENCE)
        self.socket.connect(target)
        self.data = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Sends. It is no failure if the server has closed already: the answer counts."""
        try:
            self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Closes with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _more(self):
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            got = b""
        self.data += got
        return bool(got)

    def _until(self, mark):
        while mark not in self.data:
            assert self._more(), f"the connection ended in the middle of an answer: {self.data[:600]!r}"
        found, self.data = self.data.split(mark, 1)
        return found

    def _exactly(self, length):
        while len(self.data) < length:
            assert self._more(), f"the connection ended {length - len(self.data)} bytes too early"
        found, self.data = self.data[:length], self.data[length:]
        return found

    def answer(self, head=False):
        """Reads one answer, the body by its framing; `head`: it has none."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, _ = lines[0].split(" ", 2)
        answer = Answer(int(status), [line.split(":", 1) for line in lines[1:]], b"", version)
        assert answer.status < 200 or answer.header("X-Request-Id"), answer
        if head or answer.status < 200 or answer.status in (204, 304):
            return answer
        if answer.header("Transfer-Encoding") == "chunked":
            while True:
                length = int(self._until(b"\r\n"), 16)
                answer.body += self._exactly(length)
                assert self._exactly(2) == b"\r\n"
                if length == 0:
                    return answer
        assert answer.header("Content-Length") is not None, f"an answer without an end: {answer}"
        answer.body = self._exactly(int(answer.header("Content-Length")))
        return answer

    def ended(self):
        """Waits for the server's end of the connection; nothing more may come before it."""
        while self._more():
            pass
        assert self.data == b"", f"more came than an answer: {self.data[:600]!r}"
        return True

    def rest(self):
        """Everything up to the server's end of the connection."""
        while self._more():
            pass
        data, self.data = self.data, b""
        return data
