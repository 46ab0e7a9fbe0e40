"""The playground in headless Chromium, and the programs that it gives for a request."""
import json
import os
import re
import subprocess
import sys

import pytest

import chromium
from codecell import BIN, Server

SCENARIOS = ["languages", "streams", "compile", "share", "embed", "key", "phone", "dark", "keyboard", "accessible", "files", "large",
             "snippets", "hostile", "kinds", "framedInEmbedded", "terminal", "resize", "leave", "filesOfTerminal", "notCompiled",
             "terminalLooks", "results", "moves", "workspace", "reload", "notebookLooks"]
LANGUAGES = ["python", "javascript", "typescript", "bash", "c", "lua"]


@pytest.fixture(scope="module")
def pages():
    with Server({"CODECELL_POOL": "bash=2,python=1,*=0"}, languages=LANGUAGES) as one:
        yield one.start()


@pytest.fixture(scope="module")
def key(pages):
    return pages.key("page", rate=1000)


@pytest.fixture(scope="module")
def seen(pages, key):
    return chromium.scenarios(pages, key, SCENARIOS)


def test_no_error_and_nothing_forbidden(seen):
    assert seen["complaints"] == []


def test_languages(seen):
    told = seen["told"]["languages"]
    assert {name: seen[0] for name, seen in told.items()} == {
        "python": "Python", "javascript": "JavaScript", "typescript": "TypeScript", "bash": "Bash", "c": "C", "lua": "Lua"}
    assert all(status == "Done" and output.startswith("Hello, ") for _, status, output in told.values()), told


def test_output_comes_before_the_end(seen):
    assert seen["told"]["streams"] == ["Running…", "first\n", "bad\n", "Stopped"]


def test_a_compile_error_leads_to_its_line(seen):
    assert seen["told"]["compile"] == ["It does not compile", "    return 0; // x;"]


def test_a_link_carries_the_program_and_does_not_run_it(seen):
    assert seen["told"]["share"] == ["Ready.", "main.shinput.txt", "Done", "a part\none two\n"]


def test_the_embedded_view_uses_no_stored_key(seen):
    assert seen["told"]["embed"] == [True, True]


def test_the_key(seen):
    """A wrong one is told and forgotten; a right one is in no URL and not in the browser's lasting storage."""
    assert seen["told"]["key"] == ["The key was refused. Run asks for another one.", "Invalid API key\n", False, False]


def test_looks(seen):
    assert seen["told"]["phone"] == 360
    assert seen["told"]["dark"] == "rgb(20, 24, 28)"
    assert seen["told"]["accessible"] == []


def test_keyboard(seen):
    assert seen["told"]["keyboard"] == "typed\n"


def test_files_that_come_back(seen):
    assert seen["told"]["files"] == [["a.txt (5 bytes)", "dot.png (70 bytes)"], "a.txt", "text\n"]


def test_what_a_program_made_reaches_nothing(seen):
    """Its scripts run, in an origin of their own: no storage, no page around it, no server, no other window."""
    told = seen["told"]["hostile"]
    assert told["heading"] == "made" and told["url"] == "/frame"
    assert told["got"].pop("requests") == [None, None, None] and told["got"].pop("origin") == "null"
    assert len(told["got"]) == 9 and set(told["got"].values()) == {None}
    assert told["height"] <= 710
    assert told["after"] == ["Codecell", "/", True]


def test_svg_and_markdown(seen):
    assert seen["told"]["kinds"] == ["40", "Title", "2", None]
    assert seen["told"]["framedInEmbedded"] == "ready"


def test_terminal(seen):
    assert seen["told"]["terminal"] == ["false", "true", "Exit code 3", True]
    rows, columns = seen["told"]["resize"]
    assert 10 < rows < 40 and 30 < columns < 80
    assert seen["told"]["leave"] == ["stop", "Stopped", "Exit code 1", "plain\n", True]
    assert seen["told"]["filesOfTerminal"] == "bold"
    assert seen["told"]["notCompiled"] == "It does not compile"
    assert seen["told"]["terminalLooks"] == [360]


def test_notebook(seen):
    told = seen["told"]["results"]
    assert told["counts"] == ["[1]", "[2]", "[3]", "[4]", "[5]", "[ ]"] and told["runs"] == 5
    assert told["table"] == "1" and told["figure"] == ["drawn\n", 1]
    assert [json.loads(text) for text in told["data"]] == [{"a": [1, 2]}, 7]
    assert told["late"] == "The kernel is new: what the one before it held is gone (sleep).\n"
    assert told["wrong"] == "Traceback\nValueError: no\n"
    assert told["sessions"] == [["POST", "/api/v1/sessions", {"workspace": True, "language": "python", "ttl_seconds": 1800}]]
    assert told["first"] == {"code": "table", "language": "python", "kernel": True, "session_id": "nb", "stream": True}
    assert seen["told"]["moves"] == [["two", "one"], ["two", "one", "three"], ["[1]", "[2]", "[3]"], ["[ ]", "[ ]", "[ ]"]]
    assert seen["told"]["workspace"] == [["a table.csv8 bytes✕"], "a table.csv", ["DELETE", "/nb"]]
    assert seen["told"]["reload"] == [["kept"], "javascript"]
    assert seen["told"]["notebookLooks"] == [360]


def test_large_output_and_markup(seen):
    status, cut, markup, hacked = seen["told"]["large"]
    assert status == "Done" and cut and hacked is None
    assert markup == '<img src=x onerror="window.hacked = 1"><script>window.hacked = 2</script>\n'


@pytest.mark.parametrize("name", ["curl", "Python", "JavaScript", "Command line"])
def test_copied_programs_run_as_they_stand(seen, key, name, tmp_path):
    text = seen["told"]["snippets"][name]
    (tmp_path / "codecell").symlink_to(BIN)
    (tmp_path / "snippet.mjs").write_text(text)
    command = {"curl": ["bash", "-c", text], "Command line": ["bash", "-c", text], "Python": [sys.executable, "-c", text],
               "JavaScript": ["node", "snippet.mjs"]}[name]
    env = {"HOME": str(tmp_path), "CODECELL_KEY": key, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    out = json.loads(done.stdout)["stdout"] if name == "curl" else done.stdout
    assert out == "it's given ['one two', \"three's\"] a=b a \"quoted\" part\n", done.stderr


def test_what_the_page_weighs(pages):
    """The first load, in gzip: the page, and what it names or imports at once."""
    def fetched(path):
        answer = pages.request("GET", path, key=None, headers={"Accept-Encoding": "gzip"})
        assert answer.status == 200
        return answer
    plain = pages.request("GET", "/page/playground.js", key=None).body.decode()
    imported = re.findall(r'import\s*(?:[\w{},*$ ]+from)?\s*"\./(part-\w+\.js)"', plain)
    paths = ["/", "/page/playground.css", "/page/playground.js", "/page/icon.svg", *(f"/page/{name}" for name in imported)]
    assert len(imported) >= 1
    sizes = {path: int(fetched(path).headers["content-length"][0]) for path in paths}
    print("\n".join(f"{size:8} {path}" for path, size in sizes.items()), f"{sum(sizes.values()):8} in all", sep="\n")
    assert sum(sizes.values()) < 300_000


def test_its_policy(pages):
    """No inline script, no other host, and no page around it."""
    def policy(path):
        text = pages.request("GET", path, key=None).header("Content-Security-Policy")
        return dict(part.strip().split(" ", 1) for part in text.split(";"))
    parts = policy("/")
    assert parts["default-src"] == "'none'" and parts["script-src"] == "'self'" and parts["style-src"] == "'self'"
    assert parts["connect-src"] == "'self'" and parts["frame-ancestors"] == "'none'"
    assert policy("/?embed=1") == {**parts, "frame-ancestors": "*"}
    assert policy("/docs?embed=1")["frame-ancestors"] == policy("/?embed=0")["frame-ancestors"] == "'none'"


def test_the_frames_policy(pages):
    """Scripts and styles of its own, pictures in its text, and nothing else; only our own pages may be around it."""
    def policy(path):
        text = pages.request("GET", path, key=None).header("Content-Security-Policy")
        return [part.strip() for part in text.split(";")]
    own = policy("/frame")
    assert own == ["sandbox allow-scripts", "default-src 'none'", "script-src 'unsafe-inline'", "style-src 'unsafe-inline'",
                   "img-src data:", "font-src data:", "media-src data:", "base-uri 'none'", "form-action 'none'",
                   "frame-ancestors 'self'"]
    assert policy("/frame?embed=1") == [*own[:-1], "frame-ancestors *"]


def test_a_server_that_goes_away_and_comes_back(launch):
    one = launch({"CODECELL_POOL": "bash=1,*=0"})
    key = one.key()
    with chromium.begin(one, key, "away") as page:
        assert page.stdout.readline() == "stop the server\n"
        one.stop()
        assert page.stdout.readline() == "start the server\n"
        one.settings["CODECELL_LISTEN"] = one.address
        one.start()
        told = json.loads(page.stdout.readline())
    assert told["told"]["away"] == ["No answer from the server", "Done", "here\n"] and told["complaints"] == []


def test_an_open_page_asks_for_no_key(launch):
    one = launch({"CODECELL_POOL": "bash=1,*=0", "CODECELL_PLAYGROUND": "open"})
    told = chromium.scenarios(one, "", ["open", "openEmbedded"])
    assert told["complaints"] == []
    assert told["told"]["open"] == ["Done", "open\n", "Exit code 4"]
    assert told["told"]["openEmbedded"] == ["Ready.", "open\n", "bold"]
