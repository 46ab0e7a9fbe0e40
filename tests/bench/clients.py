"""Clients that load a server: kept connections, requests that were encoded before, one thread that waits on all of them.

A client costs about 0.05 ms of this machine's time a request, which the servers under test do not get.
"""
import json
import selectors
import socket
import time


def request_bytes(key, body, path="/api/v1/execute"):
    data = json.dumps(body).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n").encode() + data


class Client:
    """A connection with at most one request under way."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer, self.started = bytearray(), 0.0

    def begin(self, request, started=None):
        self.started = started or time.perf_counter()
        self.socket.sendall(request)

    def take(self):
        """Reads what has come; an answer (status, body) if it is whole, else None."""
        self.buffer += self._received()
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self.buffer[:end]).lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(self.buffer) < end + 4 + length:
            return None
        answer = int(head.split(b" ", 2)[1]), bytes(self.buffer[end + 4:])
        self.buffer.clear()
        return answer

    def _received(self):
        part = self.socket.recv(1 << 20)
        if not part:
            raise ConnectionError("the server closed a connection that was kept")
        return part

    def ask(self, request):
        """One request and its answer; (seconds, status, body)."""
        self.begin(request)
        while (answer := self.take()) is None:
            pass
        return time.perf_counter() - self.started, *answer

    def close(self):
        self.socket.close()


def check(answer, expected):
    status, body = answer
    content = json.loads(body)
    assert status == 200 and content["stdout"] == expected, (status, body[:400])


class Crowd:
    """Clients of one server, and the answers as they come."""

    def __init__(self, address, count):
        self.address, self.selector = address, selectors.DefaultSelector()
        self.free = [self.connect() for _ in range(count)]

    def connect(self):
        client = Client(self.address)
        self.selector.register(client.socket, selectors.EVENT_READ, client)
        return client

    def take(self, most):
        """A client that is free, or a new one; None: there are `most`. None waits unused until the server closes it."""
        if self.free:
            return self.free.pop()
        return self.connect() if len(self.selector.get_map()) < most else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for key in list(self.selector.get_map().values()):
            key.data.close()
        self.selector.close()

    def answers(self, patience):
        """(client, seconds, answer) of each answer that came within `patience` seconds."""
        for key, _ in self.selector.select(patience):
            answer = key.data.take()
            if answer:
                yield key.data, time.perf_counter() - key.data.started, answer


def closed_loop(address, request, expected, count, seconds):
    """`count` clients, each asks again as soon as it is answered; (answers a second, their times).

    request: for all clients, or a list with one for each. Requests that are under way at the end are awaited but not
    counted.
    """
    times = []
    with Crowd(address, count) as crowd:
        own = dict(zip(crowd.free, request if isinstance(request, list) else [request] * count))
        start, waiting = time.perf_counter(), count
        for client in crowd.free:
            client.begin(own[client])
        while waiting:
            for client, taken, answer in crowd.answers(60):
                check(answer, expected)
                if time.perf_counter() - start < seconds:
                    times.append(taken)
                    client.begin(own[client])
                else:
                    waiting -= 1
    return len(times) / seconds, times


def open_loop(address, request, expected, rate, seconds, most=256):
    """Requests at an even rate, answered or not; their times, from when each was due."""
    times, due, under_way = [], time.perf_counter(), 0
    end = due + seconds
    with Crowd(address, 0) as crowd:
        while due < end or under_way:
            now = time.perf_counter()
            while due <= now and due < end and (client := crowd.take(most)):
                client.begin(request, due)
                under_way += 1
                due += 1 / rate
            for client, taken, answer in crowd.answers(max(0, min(due - time.perf_counter(), 60)) if due < end else 60):
                check(answer, expected)
                times.append(taken)
                crowd.free.append(client)
                under_way -= 1
    return times
