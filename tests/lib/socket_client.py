"""A WebSocket client without a library (RFC 6455), which can also say what no library would."""
import base64
import json
import os
import socket
import struct

import wire

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(opcode, payload=b"", fin=True, mask=b"\1\2\3\4", rsv=0, length=None):
    """One frame's bytes. mask None: not masked; length: what its head says, in place of the truth."""
    length = len(payload) if length is None else length
    bit = 0x80 if mask is not None else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if length < 126:
        head += bytes([bit | length])
    elif length < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", length)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", length)
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


class SocketClient:
    """A connection to /api/v1/connect. `answer`: the status of the handshake, with its headers."""

    def __init__(self, server, key=None, path="/api/v1/connect", version="13", headers=None, early=b"", upgrade=True):
        host, port = server.address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), wire.PATIENCE * 2)
        self.nonce = base64.b64encode(os.urandom(16)).decode()
        lines = {"Host": server.address, "Connection": "Upgrade" if upgrade else "keep-alive", "Upgrade": "websocket",
                 "Sec-WebSocket-Version": version, "Sec-WebSocket-Key": self.nonce,
                 "Sec-WebSocket-Protocol": "codecell.v1", **({"X-API-Key": key} if key else {}), **(headers or {})}
        text = f"GET {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items() if v is not None) + "\r\n"
        self.socket.sendall(text.encode() + early)
        self.held = b""
        while b"\r\n\r\n" not in self.held:
            self._more()
        head, self.held = self.held.split(b"\r\n\r\n", 1)
        first, *rest = head.decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
        self.pongs, self.pings, self.text = [], 0, ""

    def _more(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError
        self.held += data

    def _take(self, count):
        while len(self.held) < count:
            self._more()
        data, self.held = self.held[:count], self.held[count:]
        return data

    def body(self):
        """The rest of an answer that was no 101."""
        return json.loads(self._take(int(self.headers["content-length"])))

    def send(self, **message):
        self.raw(frame(TEXT, json.dumps(message).encode()))

    def raw(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next frame but pings, which are answered, and pongs, which are kept: (opcode, payload)."""
        while True:
            first, second = self._take(2)
            assert first & 0x70 == 0 and second & 0x80 == 0, "a server sets no reserved bit and masks nothing"
            length = second & 127
            if length > 125:
                length = struct.unpack(">H" if length == 126 else ">Q", self._take(2 if length == 126 else 8))[0]
            payload, opcode = self._take(length), first & 15
            assert first & 0x80, "a server sends no fragments"
            if opcode == PING:
                self.pings += 1
                self.raw(frame(PONG, payload))
            elif opcode == PONG:
                self.pongs.append(payload)
            else:
                return opcode, payload

    def message(self):
        opcode, payload = self.receive()
        assert opcode == TEXT, (opcode, payload)
        return json.loads(payload)

    def until(self, type_):
        """The messages up to one of this type."""
        found = [self.message()]
        while found[-1]["type"] != type_:
            found.append(self.message())
        return found

    def until_text(self, text):
        """All of stdout from the last such text up to this one."""
        while text not in self.text:
            message = self.message()
            assert message["type"] in ("started", "stdout"), (message, self.text)
            self.text += message.get("data", "")
        at = self.text.index(text) + len(text)
        found, self.text = self.text[:at], self.text[at:]
        return found

    def closed(self):
        """The server closes: its code; our close is its answer, and then the connection ends."""
        opcode, payload = self.receive()
        assert opcode == CLOSE, (opcode, payload)
        self.raw(frame(CLOSE, payload[:2]))
        self.ended()
        return struct.unpack(">H", payload[:2])[0]

    def ended(self):
        try:
            while True:
                self._more()
        except (EOFError, ConnectionError):
            self.socket.close()

    def rest(self):
        """(messages, close code)."""
        found = []
        while True:
            opcode, payload = self.receive()
            if opcode == CLOSE:
                self.raw(frame(CLOSE, payload[:2]))
                self.ended()
                return found, struct.unpack(">H", payload[:2])[0]
            found.append(json.loads(payload))
