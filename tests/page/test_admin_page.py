"""The operator's page in headless Chromium."""
import json
import re
from pathlib import Path

import pytest

import node
from codecell import ROOT, Server


@pytest.fixture(scope="module")
def pages():
    with Server({"CODECELL_POOL": "bash=1,*=0"}) as one:
        yield one.start()


@pytest.fixture(scope="module")
def seen(pages):
    """What each scenario saw, beside a program that runs. Its pictures stay in build/pictures."""
    admin, alice = pages.key("root", scopes="execute,read,admin"), pages.key("alice")
    for code in ("echo one", "exit 3", "sleep 0.2"):
        pages.run(code, "bash", key=alice)
    pages.run("print(1)", "python", key=alice)
    running = pages.begin("sleep 300", "bash", key=alice, session_id="lesson", timeout=300)
    folder = node.install("browser", Path(__file__).parent)
    pictures = ROOT / "build/pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    out = node.run(["node", "admin.mjs", pictures, f"http://{pages.address}", admin, alice], folder)
    running.leave()
    return json.loads(out.splitlines()[-1])


def test_no_error_and_nothing_forbidden(seen):
    assert seen["complaints"] == []


def test_what_it_shows(seen):
    told = seen["told"]["overview"]
    assert re.search(r"Databasewell, answers in .*Enginewell", told["health"])
    assert "bash" in told["pool"] and "runs" in told["now"] and "alice" in told["now"] and "lesson" in told["now"]
    assert re.search(r"bash3210", told["hour"]) and "python1" in told["hour"]
    assert "failed3bash" in told["last"]


def test_the_search(seen):
    assert seen["told"]["search"] == [True, "No execution matches."]


def test_the_life_of_a_key(seen, pages):
    told = seen["told"]["keys"]
    assert re.fullmatch(r"cc_[0-9A-Za-z]{40}", told["secret"]) and told["kept"] is False
    assert "<b>Zoë</b>" in told["made"] and told["secret"][3:11] in told["made"] and "\t5\t" in told["made"]
    assert told["refused"].startswith("credits: ") and told["focus"] == ["Change <b>Zoë</b>", "new-key"]
    assert "\t77\t50\t" in told["changed"] and "in force" in told["changed"] and "revoked" in told["revoked"]
    assert pages.execute("echo", "bash", key=told["secret"]).status == 401


def test_a_key_that_is_no_admin(seen):
    wrong, no_admin, hidden, places = seen["told"]["refused"]
    assert wrong.startswith("The server does not know this key.") and no_admin.startswith("This key is no admin’s key.")
    assert hidden is True and places == [False, False]


def test_the_server_goes_away_and_comes_back(seen):
    assert seen["told"]["away"] == ["The server does not answer. Trying again…", True]


def test_it_asks_only_while_somebody_looks(seen):
    assert seen["told"]["hidden"] == 0


def test_looks(seen):
    assert seen["told"]["phone"] == 360
    assert seen["told"]["dark"] == "rgb(20, 24, 28)"
    assert seen["told"]["keyboard"] == [True, "name", "new-key"]
    assert seen["told"]["accessible"] == []


def test_its_policy_and_its_weight(pages):
    """No inline script, no other host, no page around it, and a first load below 50 kB in gzip."""
    page = pages.request("GET", "/admin", key=None)
    parts = dict(part.strip().split(" ", 1) for part in page.header("Content-Security-Policy").split(";"))
    assert parts["default-src"] == "'none'" and parts["script-src"] == parts["style-src"] == "'self'"
    assert parts["frame-ancestors"] == "'none'"
    assert "frame-ancestors 'none'" in pages.request("GET", "/admin?embed=1", key=None).header("Content-Security-Policy")
    script = pages.request("GET", "/page/admin.js", key=None).body.decode()
    paths = ["/admin", "/page/admin.css", "/page/admin.js",
             *(f"/page/{name}" for name in re.findall(r'"\./(part-\w+\.js)"', script))]
    sizes = [int(pages.request("GET", path, key=None, headers={"Accept-Encoding": "gzip"}).headers["content-length"][0])
             for path in paths]
    assert sum(sizes) < 50_000
