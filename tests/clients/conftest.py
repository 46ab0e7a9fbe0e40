import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from codecell import Server
from fixtures import *
from library import build_library


@pytest.fixture(scope="session")
def served():
    """One server for the tests of all clients."""
    with Server({"CODECELL_WEBHOOK_ALLOW": "127.0.0.0/8"}, languages=["bash", "c", "javascript", "python"]) as one:
        yield one.start()


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The folder of the Python client."""
    return build_library(tmp_path_factory.mktemp("python-client"))
