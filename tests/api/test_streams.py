"""Streams: POST /api/v1/execute as server-sent events, and GET /api/v1/executions/{id}/events."""
import json
import socket
import struct
import subprocess
import time

import pytest

import node
from codecell import ROOT, wait_for
from events import Events, follow, joined, stream

SETTINGS = {"CODECELL_POOL": "bash=2,python=1,*=0", "CODECELL_CONCURRENCY": 8}
ASYNC = "/api/v1/execute/async"


def names(events):
    return [event.name for event in events]


def test_start_output_result(server, key):
    opened = stream(server, "echo out; echo err >&2; exit 3", key=key, session_id="s1").head()
    assert (opened.status, opened.headers["content-type"], opened.headers["cache-control"],
            opened.headers["x-accel-buffering"]) == (200, "text/event-stream", "no-store", "no")
    assert opened.headers["x-ratelimit-limit"] and "content-encoding" not in opened.headers
    events = opened.all()
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert names(events)[0] == "start" and names(events)[-1] == "result"
    start, result = events[0].json, events[-1].json
    assert list(start) == ["execution_id", "language", "version", "session_id"] and start["session_id"] == "s1"
    assert all(list(event.json) == ["data", "step"] for event in events[1:-1])
    assert (joined(events, "stdout"), joined(events, "stderr")) == ("out\n", "err\n")
    plain = server.run("exit 3", "bash", key=key)
    assert list(result) == [name for name in plain if name not in ("stdout", "stderr", "files")]
    assert (result["execution_id"], result["exit_code"], result["status"], result["compile"]) == (
        start["execution_id"], 3, "failed", None)
    record = server.get("/api/v1/executions/" + start["execution_id"], key=key).json
    assert (record["status"], record["stdout_bytes"], record["stderr_bytes"]) == ("failed", 4, 4)


def test_accept_asks_for_it_too(server):
    opened = Events(server, "POST", "/api/v1/execute", {"code": "echo 1", "language": "sh"},
                    headers={"Accept": "text/event-stream"})
    assert names(opened.all()) == ["start", "stdout", "result"]


def test_http_1_0(server):
    opened = stream(server, "echo 1", version="1.0").head()
    assert "transfer-encoding" not in opened.headers
    assert names(opened.all()) == ["start", "stdout", "result"]


def test_each_piece_comes_while_the_program_runs(server):
    opened = iter(stream(server, "for i in {1..20}; do echo $EPOCHREALTIME; read -t 0.3 <> <(:); done"))
    assert next(opened).name == "start"
    late = []
    while not late or min(late) > 0.25:  # before the next one; one that waits for others does so each time
        event = next(opened)
        assert event.name == "stdout", late
        late.append(time.time() - float(event.json["data"].split()[-1]))


@pytest.mark.parametrize(("fields", "headers", "status", "detail"), [
    ({"language": "nope"}, {}, 400, None),
    ({"stream": 1}, {}, 400, "stream: must be true or false"),
    ({}, {"Idempotency-Key": "a"}, 400, "Idempotency-Key: an answer that is a stream cannot be repeated"),
    ({"stream": False}, {"Idempotency-Key": "a", "Accept": "text/event-stream"}, 400,
     "Idempotency-Key: an answer that is a stream cannot be repeated"),
    ({"language": "python", "limits": {"memory_mb": 32, "disk_mb": 1}, "files": [
        {"path": "big", "content": "x" * 2000000}]}, {}, 400, None),
])
def test_errors_before_the_start_are_json(server, fields, headers, status, detail):
    opened = stream(server, "echo 1", headers=headers, **fields).head()
    assert (opened.status, opened.headers["content-type"]) == (status, "application/json")
    said = json.loads(opened.text())["detail"]
    assert detail is None or said == detail


def test_elsewhere_it_is_refused(server):
    body = {"code": "1", "language": "python", "stream": True}
    for path, sent, before in ((ASYNC, body, ""), ("/api/v1/execute/batch", [body], "[0].")):
        answer = server.request("POST", path, sent)
        assert (answer.status, answer.json["detail"]) == (
            400, before + "stream: only POST /api/v1/execute takes it")
        answer = server.request("POST", path, sent, headers={"Accept": "text/event-stream"})
        assert (answer.status, answer.json["detail"]) == (400, "stream: only POST /api/v1/execute takes it")


def test_a_timeout_has_its_detail(server):
    events = stream(server, "echo begun; sleep 60", timeout=5).all()
    result = events[-1].json
    assert joined(events, "stdout") == "begun\n"
    assert (result["detail"], result["exit_code"], result["status"], result["timed_out"]) == (
        "Execution failed: container timeout", 124, "timed_out", True)


def test_the_compile_step(server):
    good = stream(server, '#warning "careful"\n#include <stdio.h>\nint main(void){puts("ran");}', "c").all()
    assert "careful" in joined(good, "stderr", "compile") and joined(good, "stdout") == "ran\n"
    assert list(good[-1].json["compile"]) == ["exit_code", "execution_time"]
    bad = stream(server, "int main(void){return x;}", "c").all()
    assert "undeclared" in joined(bad, "stderr", "compile") and bad[-1].json["status"] == "compile_failed"
    none = stream(server, "int x;", "c").all()
    assert none[-1].json["status"] == "compile_failed"
    assert joined(none, "stderr", "compile") == server.run("int x;", "c")["compile"]["stderr"]


def test_evaluate(server):
    events = stream(server, "print(1)\n40 + 2", "python", evaluate=True).all()
    assert (joined(events, "stdout"), events[-1].json["result"], events[-1].json["error"]) == ("1\n", "42", None)


UTF8 = r"""
import os, time
for i, byte in enumerate("ä€😀".encode() + b"\xff" + "é".encode() + b"\xf0\x9f"):
    os.write(1, bytes([byte]))
    time.sleep(0.1)
"""


def test_characters_stay_whole(server):
    events = stream(server, UTF8, "python").all()
    assert joined(events, "stdout") == "ä€😀\ufffdé\ufffd\ufffd" == server.run(UTF8, "python")["stdout"]
    pieces = [event.json["data"] for event in events if event.name == "stdout"]
    assert len(pieces) >= 3 and pieces[-1] == "\ufffd\ufffd"


def test_both_streams_in_their_order(server):
    events = stream(server, "for i in 1 2; do echo o$i; sleep 1; echo e$i >&2; sleep 1; done").all()
    assert [(event.name, event.json["data"]) for event in events[1:-1]] == [
        (name, f"{letter}{i}\n") for i in range(1, 3) for name, letter in (("stdout", "o"), ("stderr", "e"))]


def test_the_output_limit(server):
    code, limits = "print('x' + 'ä' * 2000)", {"output_kb": 1}  # the limit is within a character
    events = stream(server, code, "python", limits=limits).all()
    assert joined(events, "stdout") == "x" + "ä" * 511 == server.run(code, "python", limits=limits)["stdout"]
    assert events[-1].json["stdout_truncated"] is True


FLOOD = """
import os, sys, time
block = b"x" * 65536
for i in range(160):
    os.write(1, block)
    os.write(2, b"%d\\n" % i)
"""


def memory_kb(server):
    text = open(f"/proc/{server.pid}/status").read()
    return int(text.split("VmRSS:")[1].split()[0])


def test_a_slow_reader_holds_the_program(server, key):
    plain = stream(server, FLOOD, "python", key=key, limits={"output_kb": 16384}).all()
    assert len(joined(plain, "stdout")) == 160 * 65536
    before = memory_kb(server)
    slow = stream(server, FLOOD, "python", key=key, limits={"output_kb": 16384}, size=8192)
    slow.head()
    time.sleep(1.5)  # there is nothing to see but that nothing happens
    items = server.get("/api/v1/executions?limit=1", key=key).json["items"]
    assert items[0]["status"] == "running"
    assert memory_kb(server) - before < 2048
    assert joined(slow.all(), "stdout") == "x" * (160 * 65536)


def test_the_timeout_of_a_program_that_is_held_goes_on(server, key):
    slow = stream(server, FLOOD.replace("160", "1000000"), "python", key=key, timeout=1,
                  limits={"output_kb": 16384}, size=8192).head()
    time.sleep(10)
    events = slow.all()
    assert events[-1].json["status"] == "timed_out" and events[-1].json["execution_time"] < 9.5


@pytest.mark.parametrize("after", ["nothing", "start", "stdout"])
@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_reader_that_leaves_ends_the_run(server, key, after, how):
    opened = stream(server, "echo 1; sleep 50", key=key)
    for event in opened if after != "nothing" else ():
        if event.name == after:
            break
    if after == "nothing":
        wait_for("it runs", lambda: server.get("/api/v1/executions?status=running", key=key).json["items"])
    if how == "reset":
        opened.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    opened.close()
    wait_for("cancelled", lambda: server.get("/api/v1/executions", key=key).json["items"][0]["status"] == "cancelled")


def test_a_half_close_is_not_leaving(server):
    opened = stream(server, "sleep 2.5; echo still")
    opened.sock.shutdown(socket.SHUT_WR)
    events = opened.all()
    assert joined(events, "stdout") == "still\n" and opened.comments


def test_cancelled_by_its_id(server, key):
    opened = iter(stream(server, "echo 1; sleep 50", key=key))
    id_ = next(opened).json["execution_id"]
    assert server.request("DELETE", "/api/v1/executions/" + id_, key=key).status == 200
    assert list(opened)[-1].json["status"] == "cancelled"


def test_curl_shows_it_as_it_comes(server):
    host = f"http://{server.address}/api/v1/execute"
    curl = subprocess.Popen(["curl", "-sN", host, "-H", f"X-API-Key: {server.any_key}", "-H",
                             "Content-Type: application/json", "-d", json.dumps(
                                 {"code": "echo hi; sleep 30", "language": "bash", "stream": True})],
                            stdout=subprocess.PIPE, text=True)
    seen = [curl.stdout.readline() for _ in range(8)]
    curl.kill()
    curl.wait()
    assert [line for line in seen if not line.startswith(("id", "data: {\"exec"))] == [
        "event: start\n", "\n", "event: stdout\n", 'data: {"data":"hi\\n","step":"run"}\n', "\n"]


# Followers.


def accept(server, code, key, language="bash", **fields):
    answer = server.request("POST", ASYNC, {"code": code, "language": language, **fields}, key=key)
    assert answer.status == 202, answer
    return answer.json["execution_id"]


def same(events):
    return [(event.id, event.name, event.data) for event in events]


def test_followers_of_an_asynchronous_one_see_the_same(server, key):
    id_ = accept(server, "for i in 1 2 3; do echo $i; sleep 1; done", key)
    first, second = follow(server, id_, key), follow(server, id_, key)
    seen = first.all()
    assert names(seen) == ["start", "stdout", "stdout", "stdout", "result"]
    assert [event.id for event in seen] == [1, 2, 3, 4, 5]
    assert same(second.all()) == same(seen)
    assert same(follow(server, id_, key).all()) == same(seen)
    assert same(follow(server, id_, key, last=3).all()) == same(seen[3:])
    assert (seen[-1].json["attempts"], seen[-1].json["status"]) == (1, "completed")
    ended = follow(server, id_, key, last=5).head()
    assert ended.status == 204


def test_followers_get_the_files_too(server, key):
    """While it runs, afterwards, and from the answer that a server has kept: the same events as a stream's."""
    id_ = accept(server, "echo out; sleep 0.5; echo 1 > a; echo 2 > b", key, outputs=["*"])
    seen = follow(server, id_, key).all()
    assert names(seen) == ["start", "stdout", "file", "file", "result"]
    assert [event.json["path"] for event in seen if event.name == "file"] == ["a", "b"]
    assert "files" not in seen[-1].json
    assert same(follow(server, id_, key, last=3).all()) == same(seen[3:])
    streamed = stream(server, "echo out; sleep 0.5; echo 1 > a; echo 2 > b", key=key, outputs=["*"])
    events = streamed.all()
    assert [(event.id, event.name) for event in events] == [(event.id, event.name) for event in seen]


def test_a_follower_goes_on_behind_its_last_event(server, key):
    id_ = accept(server, "for i in 1 2 3 4; do echo $i; sleep 1; done", key)
    one = follow(server, id_, key)
    seen = []
    for event in one:
        seen.append(event)
        if event.id == 3:
            break
    one.close()
    rest = follow(server, id_, key, last=3).all()
    assert joined(seen + rest, "stdout") == "1\n2\n3\n4\n" and rest[0].id == 4


def test_a_follower_of_a_stream_neither_holds_nor_ends_it(server, key):
    opened = iter(stream(server, "echo 1; sleep 1; echo 2", key=key))
    id_ = next(opened).json["execution_id"]
    left, stays = follow(server, id_, key), follow(server, id_, key)
    left.head().close()
    events = list(opened)
    assert joined(events, "stdout") == "1\n2\n" and events[-1].json["status"] == "completed"
    assert same(stays.all())[1:] == same(events)


def test_a_follower_that_is_too_slow_is_told(server, key):
    opened = stream(server, FLOOD.replace("range(160)", "range(200)").replace(
        "import os", "import os, time; print('go', flush=True); time.sleep(1)\nimport os", 1), "python", key=key,
        limits={"output_kb": 16384})
    seen = iter(opened)
    id_ = next(seen).json["execution_id"]
    slow = follow(server, id_, key, size=4096).head()
    assert list(seen)[-1].json["status"] == "completed"
    events = slow.all()
    assert events[-1].name == "lost" and events[-1].id is None and "slower" in events[-1].json["detail"]


def test_one_that_ended_long_ago_comes_from_what_is_kept(launch):
    server = launch({"CODECELL_POOL": "bash=1,*=0", "CODECELL_KEEP": "output"}, languages=["bash"])
    key = server.key()
    id_ = accept(server, "echo out; echo err >&2", key)
    first = follow(server, id_, key).all()
    plain = server.run("echo kept; exit 4", "bash", key=key)["execution_id"]
    server.stop()
    server.start()
    again = follow(server, id_, key).all()
    assert names(again) == ["start", "stdout", "stderr", "result"] and [e.id for e in again] == [1, 2, 3, 4]
    assert same(again)[0] == same(first)[0] and again[-1].json == first[-1].json
    assert same(follow(server, id_, key, last=2).all()) == same(again[2:])
    assert follow(server, id_, key, last=4).head().status == 204
    recorded = follow(server, plain, key).all()
    assert names(recorded) == ["start", "stdout", "result"] and joined(recorded, "stdout") == "kept\n"
    assert recorded[-1].json["exit_code"] == 4


def test_what_cannot_be_followed(server, key):
    other = server.key()
    id_ = accept(server, "sleep 1", key)
    assert follow(server, id_, other).head().status == 404
    assert follow(server, "nothing", key).head().status == 404
    assert follow(server, id_, key, last="x").head().status == 400
    head = Events(server, "HEAD", f"/api/v1/executions/{id_}/events", key=key).head()
    assert head.status == 200 and head.headers["content-type"] == "text/event-stream"


def test_one_that_waits_is_followed_from_its_start_or_to_its_end(launch):
    server = launch({"CODECELL_POOL": "bash=1,*=0", "CODECELL_CONCURRENCY": 1}, languages=["bash"])
    key = server.key()
    first, second, third = (accept(server, code, key) for code in ("sleep 8", "echo mine", "echo never"))
    ends = follow(server, third, key).head()
    starts = follow(server, second, key).head()
    assert server.request("DELETE", "/api/v1/executions/" + third, key=key).status == 200
    assert [(e.name, e.json["status"]) for e in ends.all()] == [("result", "cancelled")]
    assert joined(starts.all(), "stdout") == "mine\n"
    assert follow(server, first, key).all()[-1].json["status"] == "completed"


def test_a_drain_ends_streams_with_their_result(launch):
    server = launch({"CODECELL_POOL": "bash=1,*=0", "CODECELL_DRAIN": "1s"}, languages=["bash"])
    opened = iter(stream(server, "echo 1; sleep 60"))
    id_ = next(opened).json["execution_id"]
    follower = follow(server, id_)
    follower.head()
    server.process.terminate()
    assert list(opened)[-1].json["status"] == "cancelled"
    assert follower.all()[-1].json["status"] == "cancelled"
    server.ended()


# Clients.


def test_clients_from_npm(server, key):
    folder = node.install("events", ROOT / "tests/api/clients")
    for script in ("fetch.mjs", "eventsource.mjs"):
        said = node.run(["node", script], folder, URL=f"http://{server.address}", KEY=key)
        assert said.strip().endswith("all is as it should be"), said
