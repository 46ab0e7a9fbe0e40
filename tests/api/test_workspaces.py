"""Workspaces: one folder for a session's executions, asleep and awake, with limits, and what becomes of them in faults."""
import concurrent.futures
import itertools
import re
import time

import pytest

from codecell import wait_for

SETTINGS = {"CODECELL_WORKSPACE_IDLE": "1s", "CODECELL_WORKSPACES_PER_KEY": "4", "CODECELL_POOL": "bash=2,python=1"}
SESSIONS = "/api/v1/sessions"
names = map("w{}".format, itertools.count())


def make(server, key, **fields):
    id_ = next(names)
    answer = server.request("POST", SESSIONS, {"session_id": id_, "workspace": True, "language": "bash", **fields}, key=key)
    assert answer.status == 201, answer
    return id_


def look(server, key, id_):
    return server.get(f"{SESSIONS}/{id_}", key=key).json


def sleeps(server, key, id_):
    wait_for("a workspace that sleeps", lambda: look(server, key, id_)["state"] == "asleep")


def run(server, key, id_, code, **fields):
    answer = server.request("POST", "/api/v1/execute", {"code": code, "session_id": id_, **fields}, key=key)
    assert answer.status in (200, 500), answer
    return answer.json


def out(server, key, id_, code, **fields):
    done = run(server, key, id_, code, **fields)
    assert done["exit_code"] == 0 and done["stderr"] == "", done
    return done["stdout"]


def test_the_folder_stays_asleep_and_awake(launch):
    server = launch({**SETTINGS, "CODECELL_WORKSPACE_IDLE": "8s"})  # so that it is awake for the second execution
    key = server.key()
    id_ = make(server, key)
    made = look(server, key, id_)
    assert (made["workspace"], made["state"], made["bytes"], made["languages"]) == (True, "asleep", 0, ["bash"])
    run(server, key, id_, "mkdir -p a/b; echo one > a/b/f; chmod 640 a/b/f; touch -d 2001-02-03T04:05:06.123456789Z a/b/f;"
                          " ln -s b/f a/l; sleep 100 & echo $PPID > /tmp/outside; exit 3")
    seen = "cat a/l; stat -c '%a %y' a/b/f; pgrep sleep; ls /tmp"
    expected = "one\n640 2001-02-03 04:05:06.123456789 +0000\n"
    assert out(server, key, id_, seen + "; true") == expected + "outside\nwork\n"
    sleeps(server, key, id_)
    assert look(server, key, id_)["bytes"] > 0
    assert out(server, key, id_, seen + "; true") == expected + "work\n"


def test_what_an_execution_takes_from_its_session(server, key):
    id_ = make(server, key, language="python", environment={"A": "1", "B": "1"},
               limits={"disk_mb": 64, "processes": 20}, version="3.11")
    code = "import os, sys; print(os.environ['A'], os.environ['B'], sys.version_info[1])"
    assert out(server, key, id_, code, environment={"B": "2"}) == "1 2 11\n"
    answer = server.request("POST", "/api/v1/execute", {"code": "x", "session_id": id_, "language": "bash"}, key=key)
    assert (answer.status, answer.detail) == (400, "language: bash is not in the workspace's image, which has python")
    answer = server.request("POST", "/api/v1/execute", {"code": "x", "session_id": id_, "version": "3.13"}, key=key)
    assert answer.status == 400 and re.fullmatch(
        r"version: Python 3\.13\.\d+ is not in the workspace's image, which has 3\.11\.\d+", answer.detail), answer
    answer = server.request("POST", "/api/v1/execute", {"code": "x", "session_id": id_, "limits": {"disk_mb": 10}}, key=key)
    assert (answer.status, answer.detail) == (400, "limits.disk_mb: the workspace has 64")
    answer = server.request("POST", "/api/v1/execute", {"code": "x", "session_id": "no-such"}, key=key)
    assert (answer.status, answer.detail) == (400, "language: is required")


def test_the_first_execution_decides_the_language(server, key):
    id_ = make(server, key, language=None)
    assert server.request("PUT", f"{SESSIONS}/{id_}/files/f", b"hello", key=key).status == 201
    assert out(server, key, id_, "print(open('f').read())", language="python") == "hello\n"
    assert look(server, key, id_)["language"] == "python"
    answer = server.request("POST", "/api/v1/execute", {"code": "x", "session_id": id_, "language": "bash"}, key=key)
    assert answer.status == 400, answer


@pytest.mark.parametrize("body, sentence", [
    ({"durable": True}, "durable: only with workspace"),
    ({"workspace": True, "limits": {"disk_mb": 0}}, "limits.disk_mb: must be an integer from 1 to 1024"),
    ({"workspace": True, "environment": {"1": "x"}}, "environment: a name must match [A-Za-z_][A-Za-z0-9_]*"),
    ({"workspace": "yes"}, "workspace: must be true or false"),
])
def test_what_is_wrong(server, key, body, sentence):
    answer = server.request("POST", SESSIONS, body, key=key)
    assert (answer.status, answer.detail) == (400, sentence)


def test_one_key_has_a_few(server, key):
    for _ in range(4):
        make(server, key)
    answer = server.request("POST", SESSIONS, {"workspace": True}, key=key)
    assert (answer.status, answer.detail) == (429, "workspace: this key has 4 workspaces, and may have no more")
    assert answer.header("Retry-After")
    id_ = server.get(SESSIONS, key=key).json["items"][0]["session_id"]
    assert server.request("DELETE", f"{SESSIONS}/{id_}", key=key).status == 200
    make(server, key)


def test_executions_run_in_their_order_and_few_wait(server, key):
    id_ = make(server, key)
    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        first = threads.submit(run, server, key, id_, "until [ -e go ]; do sleep 0.05; done; echo 0 >> order", timeout=60)
        wait_for("it runs", lambda: server.executions(key=key, status="running"))
        rest = []
        for n in range(1, 17):
            rest.append(threads.submit(run, server, key, id_, f"echo {n} >> order"))
            wait_for("it waits", lambda n=n: len(server.executions(key=key, status="pending", limit=100)) == n)
        answer = server.request("POST", "/api/v1/execute", {"code": ":", "session_id": id_}, key=key)
        assert answer.status == 429 and answer.header("Retry-After"), answer
        assert server.request("DELETE", f"/api/v1/executions/{server.executions(key=key, status='running')[0]['execution_id']}",
                              key=key).status == 200
        assert first.result()["status"] == "cancelled"
        for one in rest:
            one.result()
    assert out(server, key, id_, "cat order").split() == [str(n) for n in range(1, 17)]


def test_a_program_that_dies_does_not_take_it_along(server, key):
    id_ = make(server, key, limits={"memory_mb": 64})
    run(server, key, id_, "echo kept > f")
    assert run(server, key, id_, "echo late >> f; sleep 100", timeout=6)["timed_out"]
    assert run(server, key, id_, "head -c 200m /dev/zero | tail", timeout=20)["exit_code"] != 0
    assert out(server, key, id_, "cat f") == "kept\nlate\n"


def test_what_was_saved_comes_back_after_the_cell_was_lost(launch):
    server = launch({**SETTINGS, "CODECELL_WORKSPACE_IDLE": "5m"}, languages=["bash"])  # so that it does not sleep first
    key = server.key()
    id_ = make(server, key, durable=True)
    run(server, key, id_, "echo saved > f")
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(run, server, key, id_, "echo no > g; sleep 100")
        one = wait_for("it runs", lambda: server.executions(key=key, status="running"))[0]
        wait_for("busy", lambda: look(server, key, id_)["state"] == "busy")
        assert server.request("DELETE", f"/api/v1/executions/{one['execution_id']}", key=key).status == 200
        running.result()
    lost = look(server, key, id_)
    assert (lost["state"], lost["state_reason"]) == ("lost", "an execution was cancelled")
    done = run(server, key, id_, "cat f; ls")
    assert done["stdout"].startswith("saved\nf\n") and "g" not in done["stdout"].split()
    assert done["warnings"][0].startswith("The workspace was lost (an execution was cancelled)")
    assert run(server, key, id_, "ls")["warnings"] == []


def test_removed_while_it_runs(server, key):
    id_ = make(server, key)
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        running = threads.submit(server.request, "POST", "/api/v1/execute", {"code": "sleep 100", "session_id": id_}, key=key)
        wait_for("it runs", lambda: server.executions(key=key, status="running"))
        waiting = threads.submit(server.request, "GET", f"{SESSIONS}/{id_}/files", key=key)
        time.sleep(0.2)
        assert server.request("DELETE", f"{SESSIONS}/{id_}", key=key).status == 200
        assert running.result().json["status"] == "cancelled"
        assert waiting.result().status == 404
    assert server.get(f"{SESSIONS}/{id_}", key=key).status == 404
    assert make(server, key) != id_


def test_another_key_finds_nothing(server, key):
    id_, other = make(server, key), server.key()
    run(server, key, id_, "echo secret > f")
    for method, path in [("GET", ""), ("GET", "/files"), ("GET", "/files/f"), ("GET", "/archive"), ("PUT", "/files/f"),
                         ("DELETE", "/files/f"), ("DELETE", "")]:
        answer = server.request(method, f"{SESSIONS}/{id_}{path}", b"x" if method == "PUT" else None, key=other)
        assert (answer.status, answer.detail) == (404, "Session not found"), (method, path, answer)
    assert server.run("ls", "bash", session_id=id_, key=other)["stdout"] == "main.sh\n"
    assert out(server, key, id_, "cat f") == "secret\n"


def test_it_outlives_the_server(launch):
    server = launch({**SETTINGS, "CODECELL_WORKSPACE_IDLE": "5m"})
    key = server.key()
    durable, plain, broken = make(server, key, durable=True), make(server, key), make(server, key)
    run(server, key, plain, "echo plain > f")
    run(server, key, broken, "echo broken > f")
    server.stop()  # saves all
    server.start()
    assert out(server, key, plain, "cat f") == "plain\n"
    run(server, key, durable, "echo durable > f")
    file = server.database("SELECT w.file FROM workspaces AS w JOIN sessions AS s ON s.sequence = w.session"
                           " WHERE s.id = ?", broken)[0][0]
    server.kill()
    stored = server.data_dir / "workspaces" / file
    stored.write_bytes(stored.read_bytes()[:-70])
    (server.data_dir / "workspaces" / "leftover").write_bytes(b"x")
    server.start()
    server.wait_event("workspace.leftover_removed")
    assert out(server, key, durable, "cat f") == "durable\n"
    assert out(server, key, plain, "cat f") == "plain\n"
    done = run(server, key, broken, "ls")
    assert done["stdout"] == "main.sh\n" and "stored file could not be read" in done["warnings"][0], done
    server.wait_event("workspace.broken")
    assert list((server.data_dir / "workspaces").glob("*.broken-*"))
    assert oct((server.data_dir / "workspaces").stat().st_mode & 0o777) == "0o700"
