"""One server for the tests of all faces.

server  the server, with every face on
faces   its base URL and a key as texts (faces.base, faces.key), and faces.ask(pair) for golden pairs
npm     npm(NAME): the folder with the packages that tests/faces/clients/NAME/package-lock.json pins
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import golden
import pytest
from codecell import FACES_LANGUAGES, Server
from fixtures import *
from node import install

SETTINGS = {"CODECELL_FACES": "all", "CODECELL_FACE_URL_KEYS": "on", "CODECELL_GATEWAY_KEYS": "100"}


class Faces:
    """What a client of a face is told."""

    def __init__(self, server):
        self.server, self.base, self.key = server, f"http://{server.address}", server.any_key

    def ask(self, pair):
        """Sends a golden pair's request; a golden.Got."""
        return golden.send(self.server, pair, self.key)

    def check(self, pair):
        """Sends a golden pair's request and compares the answer."""
        wrong = golden.differences(pair, self.ask(pair))
        assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="session")
def server():
    with Server(SETTINGS, languages=FACES_LANGUAGES) as one:
        yield one.start()


@pytest.fixture(scope="session")
def faces(server):
    return Faces(server)


@pytest.fixture(scope="session")
def npm():
    return install
