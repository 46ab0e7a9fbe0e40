"""Workspaces: how long one that sleeps with 10 MiB takes to wake and answer a hello, beside a hello in a waiting cell and
beside the engine's own attach stream, through which the files come, in turns; and the rate of 100 MiB up and down beside
that stream, with the server's memory. The files are random bytes, which cannot be compressed."""
import contextlib
import http.client
import os
import statistics
import threading
import time
from pathlib import Path

import engine
import programs
from clients import Client, check, request_bytes
from codecell import Server, wait_for
from figures import figures, table

GOAL = 5.0            # how many times as long as the hello, at the median
RATE_GOAL = 0.5       # part of the engine's own rate
GROWTH_GOAL = 8.0     # MB by which the server's memory may grow
DISKS = (None, 256)   # disk_mb of the workspaces that wake; None: the default
SLEEPS = "1s"
PAUSE = 0.06          # seconds before each hello: the pool has a waiting cell again
MIB = 1 << 20
SIZE, WAKES = 100 * MIB, 10 * MIB
SESSIONS = "/api/v1/sessions"


def make(server, **fields):
    answer = server.request("POST", SESSIONS, {"workspace": True, "language": "bash", **fields})
    assert answer.status == 201, answer
    return answer.json["session_id"]


def image_of(server):
    """The image of its cells."""
    with contextlib.closing(engine.Engine()) as told:
        return told.call("GET", f"/containers/{server.containers()[0]['id']}/json")["Image"]


def sleeps(server, id_):
    wait_for("a workspace that sleeps", lambda: server.get(f"{SESSIONS}/{id_}").json["state"] == "asleep")


def waking(rounds):
    """{disk_mb: {what: figures, "ratio"}}"""
    results, data = {}, os.urandom(MIB)
    with Server({"CODECELL_POOL": "bash=2,*=0", "CODECELL_WORKSPACE_IDLE": SLEEPS}, languages=["bash"]) as server:
        server.start()
        image = image_of(server)
        client, plain = Client(server.address), request_bytes(server.any_key, programs.body("bash"))
        for disk in DISKS:
            id_ = make(server, **({"limits": {"disk_mb": disk}} if disk else {}))
            put = server.request("PUT", f"{SESSIONS}/{id_}/files/data", data * (WAKES // MIB))
            assert put.status == 201, put
            there = request_bytes(server.any_key, {**programs.body("bash"), "session_id": id_})
            times = {"hello": [], "wakes": [], "stream": []}
            for turn in range(-1, rounds):
                sleeps(server, id_)
                for name, request in (("hello", plain), ("wakes", there)):
                    time.sleep(PAUSE)
                    taken, *answer = client.ask(request)
                    check(answer, programs.OUTPUT)
                    if turn >= 0:
                        times[name].append(taken)
                with contextlib.closing(Attached(image, WAKES)) as attached:
                    time.sleep(PAUSE)
                    taken = attached.up(data)
                if turn >= 0:
                    times["stream"].append(taken)
            ratio = statistics.median(b / a for a, b in zip(times["hello"], times["wakes"]))
            bound = statistics.median(b / (a + c) for a, b, c in zip(times["hello"], times["wakes"], times["stream"]))
            results[str(disk or "default")] = {**{name: figures(each) for name, each in times.items()}, "ratio": ratio,
                                               "bound": bound, "goal": GOAL}
        client.close()
    return results


# 100 MiB up and down.

class Attached:
    """The engine's own stream to a container that takes so many bytes, says so, waits for one more, and gives them back."""

    def __init__(self, image, size):
        self.engine, self.size = engine.Engine(), size
        script = f"head -c {size} > /tmp/f && echo x && head -c 1 > /dev/null && cat /tmp/f"
        self.id = self.engine.call("POST", "/containers/create", {
            "Image": image, "Entrypoint": ["/bin/sh", "-c", script], "User": "9999:9999", "OpenStdin": True,
            "AttachStdin": True, "AttachStdout": True,
            "HostConfig": {"NetworkMode": "none", "Tmpfs": {"/tmp": "size=256m,mode=1777"}, "LogConfig": {"Type": "none"}}})["Id"]
        self.stream = engine.Engine()
        self.stream.request("POST", f"/containers/{self.id}/attach?stream=1&stdin=1&stdout=1", None,
                            {"Connection": "Upgrade", "Upgrade": "tcp"})
        self.socket = self.stream.sock
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(1)
        assert b" 101 " in head, head
        self.engine.call("POST", f"/containers/{self.id}/start")

    def receive(self, count):
        """Takes frames until their contents have so many bytes."""
        room = memoryview(bytearray(MIB))
        while count > 0:
            head = b""
            while len(head) < 8:
                head += self.socket.recv(8 - len(head))
            left = int.from_bytes(head[4:], "big")
            count -= left
            while left > 0:
                got = self.socket.recv_into(room[:min(left, MIB)])
                assert got > 0, "the engine's stream ended"
                left -= got
        assert count == 0

    def up(self, data):
        start = time.perf_counter()
        for _ in range(self.size // len(data)):
            self.socket.sendall(data)
        self.receive(len("x\n"))
        return time.perf_counter() - start

    def down(self):
        start = time.perf_counter()
        self.socket.sendall(b"x")
        self.receive(self.size)
        return time.perf_counter() - start

    def close(self):
        self.stream.close()
        self.engine.call("DELETE", f"/containers/{self.id}?force=1&v=1")
        self.engine.close()


class Memory:
    """The most that the server holds while the block runs, in MB, and what it held before."""

    def __init__(self, server):
        self.status, self.over = Path(f"/proc/{server.pid}/status"), threading.Event()

    def now(self):
        return int(self.status.read_text(encoding="utf-8").split("VmRSS:")[1].split()[0]) / 1024

    def look(self):
        while not self.over.wait(0.005):
            self.most = max(self.most, self.now())

    def __enter__(self):
        self.before = self.most = self.now()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.growth = self.most - self.before


def put(server, path, data, count):
    connection = http.client.HTTPConnection(server.address, timeout=120)
    start = time.perf_counter()
    connection.putrequest("PUT", path)
    connection.putheader("X-API-Key", server.any_key)
    connection.putheader("Content-Length", str(len(data) * count))
    connection.endheaders()
    for _ in range(count):
        connection.sock.sendall(data)
    answer = connection.getresponse()
    answer.read()
    taken = time.perf_counter() - start
    assert answer.status in (201, 204), answer.status
    connection.close()
    return taken


def get(server, path):
    connection = http.client.HTTPConnection(server.address, timeout=120)
    room, count = bytearray(MIB), 0
    start = time.perf_counter()
    connection.request("GET", path, headers={"X-API-Key": server.any_key})
    answer = connection.getresponse()
    while (got := answer.readinto(room)) > 0:
        count += got
    taken = time.perf_counter() - start
    assert (answer.status, count) == (200, SIZE), (answer.status, count)
    connection.close()
    return taken


@contextlib.contextmanager
def until_saved(server):
    """Waits at the end of the block until the workspace was saved: a use that comes earlier waits for that."""
    def saved():
        return server.database("SELECT max(saved_ms) FROM workspaces")[0][0]

    before = saved()
    yield
    wait_for("the workspace is saved", lambda: saved() != before)


def transfers(rounds):
    """{"up" | "down": {"server" | "engine": MiB/s at the median, "part", "goal"}, "growth": MB, "goal": MB}"""
    data, times = os.urandom(MIB), {(way, who): [] for way in ("up", "down") for who in ("server", "engine")}
    with Server({"CODECELL_POOL": "bash=1,*=0", "CODECELL_WORKSPACE_IDLE": "10m"}, languages=["bash"]) as server:
        server.start()
        id_ = make(server, limits={"disk_mb": 256})
        path = f"{SESSIONS}/{id_}/files/data"
        image = image_of(server)
        with until_saved(server):
            put(server, path, data, 1)
        growth = 0.0
        for turn in range(-1, rounds):
            with until_saved(server), Memory(server) as memory:
                taken = {("up", "server"): put(server, path, data, SIZE // MIB), ("down", "server"): get(server, path)}
            with contextlib.closing(Attached(image, SIZE)) as attached:
                taken |= {("up", "engine"): attached.up(data), ("down", "engine"): attached.down()}
            if turn >= 0:
                growth = max(growth, memory.growth)
                for name, value in taken.items():
                    times[name].append(value)
    results = {"growth": growth, "goal": GROWTH_GOAL}
    for way in ("up", "down"):
        ratio = statistics.median(b / a for a, b in zip(times[way, "server"], times[way, "engine"]))
        results[way] = {**{who: SIZE / MIB / statistics.median(times[way, who]) for who in ("server", "engine")},
                        "part": ratio, "goal": RATE_GOAL}
    return results


def goals(results):
    for disk, each in results["waking"].items():
        yield (f"waking 10 MiB, disk_mb {disk}: times a waiting hello", each["ratio"], GOAL, each["ratio"] <= GOAL)
    moved = results["transfers"]
    for way in ("up", "down"):
        yield (f"100 MiB {way}: part of the engine's rate", moved[way]["part"], RATE_GOAL, moved[way]["part"] >= RATE_GOAL)
    yield "100 MiB: MB by which the server grows", moved["growth"], GROWTH_GOAL, moved["growth"] < GROWTH_GOAL


def run(rounds):
    results = {"waking": waking(rounds), "transfers": transfers(max(rounds // 4, 3))}
    table("a hello in a workspace of 10 MiB that sleeps, ms at the median",
          ["disk_mb", "waiting hello", "it wakes", "to hello", "goal", "the engine's stream", "to hello and stream"],
          [[disk, each["hello"]["p50"], each["wakes"]["p50"], each["ratio"], GOAL, each["stream"]["p50"], each["bound"]]
           for disk, each in results["waking"].items()])
    table("100 MiB, MiB/s at the median", ["", "server", "engine's attach", "part", "goal"],
          [[way, *[results["transfers"][way][name] for name in ("server", "engine", "part", "goal")]]
           for way in ("up", "down")])
    print(f"server's memory: {results['transfers']['growth']:.1f} MB more at most (goal {GROWTH_GOAL:.0f})")
    return results
