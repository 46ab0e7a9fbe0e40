"""The engine's own limit: a locked-down container created, started and removed, with nothing of ours in it."""
import http.client
import json
import os
import socket
import threading
import time

SOCKET = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")


def settings_like(cell):
    """The body with which a cell was created, with a program of the image in place of the agent."""
    engine = Engine()
    told = engine.call("GET", f"/containers/{cell}/json")
    engine.close()
    host = {name: value for name, value in told["HostConfig"].items() if name not in ("Mounts", "Binds")}
    return {"Image": told["Config"]["Image"], "Entrypoint": ["/bin/sleep"], "Cmd": ["1000"], "NetworkDisabled": True,
            "User": "9999:9999", "HostConfig": host}


class Engine(http.client.HTTPConnection):
    def __init__(self):
        super().__init__("localhost", timeout=60)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)

    def call(self, method, path, body=None):
        self.request(method, path, json.dumps(body) if body is not None else None,
                     {"Content-Type": "application/json"})
        answer = self.getresponse()
        content = answer.read()
        assert answer.status < 300, f"{method} {path}: {answer.status} {content[:300]!r}"
        return json.loads(content) if content else None


def cycle(engine, settings):
    """One container's life."""
    made = engine.call("POST", "/containers/create", settings)["Id"]
    try:
        engine.call("POST", f"/containers/{made}/start")
    finally:
        engine.call("DELETE", f"/containers/{made}?force=1&v=1")


def cycles(settings, count, seconds):
    """Containers' lives a second, with `count` of them side by side."""
    end, made, failures = time.perf_counter() + seconds, [], []

    def go():
        engine = Engine()
        try:
            while time.perf_counter() < end:
                cycle(engine, settings)
                made.append(time.perf_counter())
        except Exception as error:
            failures.append(error)
        finally:
            engine.close()
    threads = [threading.Thread(target=go) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(each <= end for each in made) / seconds
