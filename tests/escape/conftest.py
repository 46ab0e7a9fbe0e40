import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from codecell import Server, wait_for
from fixtures import *

WAITING = ("bash", "javascript", "python")


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
