"""The notebook with real kernels: state that stays, figures and tables, errors, interrupting, restarting, files."""
import pytest

import chromium
from codecell import wait_for

SETTINGS = {"CODECELL_POOL": "python=1,*=0"}


@pytest.fixture(scope="module")
def told(server):
    seen = chromium.scenarios(server, server.any_key, ["pythonKernel", "javascriptKernel"])
    assert seen["complaints"] == []
    return seen["told"]


def test_python(told):
    seen = told["pythonKernel"]
    assert seen["counts"] == ["[1]", "[2]", "[3]", "[4]", "[5]"]
    assert seen["printed"] == "set\n" and seen["result"] == "21" and seen["figure"] is True
    assert seen["table"] == "a 0 1 1 2"
    assert "ZeroDivisionError" in seen["error"]
    assert seen["interrupted"] is True and seen["kept"] == "20"
    assert seen["file"] == "'from outside'" and seen["gone"] is True


def test_javascript(told):
    assert told["javascriptKernel"] == [["[1]", "[2]", "[3]"], "[ 1, 2, 3 ]", True]


def test_leaving_the_page_deletes_the_session(told, server):
    wait_for("no session", lambda: server.get("/api/v1/sessions").json["items"] == [])
