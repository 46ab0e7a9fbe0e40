"""Every test here runs in both isolations: in a capsule of a container that is used again, and in a container of its own."""
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from codecell import Server, wait_for
from fixtures import *

ISOLATIONS = ("capsule", "container")
WAITING = ("bash", "javascript", "python")
MARK = "marker-of-the-server-5f2a"
SETTINGS = {"CODECELL_POOL": "python=2,c=2,bash=2,javascript=1", "SECRET_OF_THE_SERVER": MARK}


class Servers:
    """A server of each isolation for all tests, started when the first test asks for it."""

    def __init__(self):
        self.started = {}

    def __getitem__(self, isolation):
        if isolation not in self.started:
            self.started[isolation] = Server({**SETTINGS, "CODECELL_ISOLATION": isolation})
            if self.start(isolation) != isolation:  # a busy machine may not try a capsule in time
                self.started[isolation].stop()
                assert self.start(isolation) == isolation, self.started[isolation].log
        return self.started[isolation]

    def start(self, isolation):
        """Starts the server; the isolation that it has chosen."""
        one = self.started[isolation]
        one.start()
        return one.wait_event("isolation.chosen")["name"]

    def stop(self):
        try:
            for one in self.started.values():
                one.stop()
        finally:
            for one in self.started.values():
                one.close()


@pytest.fixture(scope="session")
def servers():
    every = Servers()
    yield every
    every.stop()


@pytest.fixture(scope="session", params=ISOLATIONS)
def isolation(request):
    return request.param


@pytest.fixture(scope="session")
def server(servers, isolation):
    return servers[isolation]


@pytest.fixture(autouse=True)
def mode(monkeypatch):
    """With TESTS_HELD set, each program waits until an interpreter of its language is held for it."""
    if not os.environ.get("TESTS_HELD"):
        return
    post = Server.post

    def post_held(server, body, **options):
        language = body.get("language")
        held = frozenset({("language", language), ("state", "prewarmed")})
        if language in WAITING:
            wait_for(f"an interpreter held: {language}", lambda: server.metrics()["codecell_pool_cells"].get(held))
        return post(server, body, **options)
    monkeypatch.setattr(Server, "post", post_held)
