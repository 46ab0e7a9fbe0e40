"""POST /api/v1/execute/async and GET /api/v1/execute/status/{id}: accepted is kept, whatever happens to the server."""
import contextlib
import resource
import socket
import sqlite3
import threading
import time

import pytest

from codecell import ROOT, UUID, in_parallel, top, wait_for

PATH, STATUS = "/api/v1/execute/async", "/api/v1/execute/status/"
FIELDS = ["execution_id", "status", "created_at", "started_at", "completed_at", "result"]
SMALL = {"CODECELL_POOL": "bash=1,*=0"}


def accept(server, code, key=None, language="bash", headers=None, **fields):
    answer = server.request("POST", PATH, {"code": code, "language": language, **fields}, key=key or server.any_key,
                            headers=headers)
    assert answer.status == 202, answer
    return answer.json["execution_id"]


def status(server, id_, key=None, wait=None):
    answer = server.get(STATUS + id_ + (f"?wait={wait}" if wait else ""), key=key or server.any_key)
    assert answer.status == 200, answer
    return answer.json


def ended(server, id_, key=None):
    return wait_for("its end", lambda: (lambda seen: seen if seen["completed_at"] else None)(
        status(server, id_, key, 10)))


def test_accepted_runs_and_is_answered_as_if_it_had_waited(server, key):
    answer = server.request("POST", PATH, {"code": "echo $1; exit 3", "language": "sh", "args": ["x"]}, key=key)
    assert answer.status == 202 and list(answer.json) == FIELDS, answer
    id_ = answer.json["execution_id"]
    assert UUID.fullmatch(id_) and answer.header("Location") == STATUS + id_
    assert (answer.json["status"], answer.json["started_at"], answer.json["completed_at"], answer.json["result"]) == (
        "pending", None, None, None)
    seen = ended(server, id_, key)
    assert list(seen) == FIELDS and seen["status"] == "failed"
    assert answer.json["created_at"] == seen["created_at"] <= seen["started_at"] <= seen["completed_at"]
    result = seen["result"]
    assert (result["execution_id"], result["stdout"], result["exit_code"], result["language"], result["attempts"]) == (
        id_, "x\n", 3, "bash", 1)
    synchronous = server.run("echo x; exit 3", "bash", key=key)
    assert [name for name in result if name != "attempts"] == list(synchronous)
    record = server.get("/api/v1/executions/" + id_, key=key).json
    assert (record["status"], record["exit_code"], record["attempts"]) == ("failed", 3, 1)
    assert record["completed_at"] == seen["completed_at"]


@pytest.mark.parametrize(("code", "fields", "outer", "inner"), [
    ("echo 1", {}, "completed", "completed"),
    ("sleep 60", {"timeout": 1}, "failed", "timed_out"),
    ("kill -9 $$", {}, "failed", "failed"),
])
def test_how_it_ends(server, key, code, fields, outer, inner):
    seen = ended(server, accept(server, code, key, **fields), key)
    assert (seen["status"], seen["result"]["status"]) == (outer, inner)
    assert ("detail" in seen["result"]) == (inner == "timed_out")


def test_stdin_files_and_session_are_kept(server, key):
    id_ = accept(server, "cat; cat d/f", key, stdin="in\u0000put", session_id="s", environment={"A": "b"},
                 files=[{"path": "d/f", "content": "AAH/", "encoding": "base64"}], evaluate=False, colour=1)
    result = ended(server, id_, key)["result"]
    assert result["stdout"] == "in\u0000put\u0000\u0001\ufffd" and result["session_id"] == "s"
    assert result["warnings"] == ["unknown field: colour"]
    assert server.get("/api/v1/sessions/s", key=key).json["executions"] == 1


def test_evaluate(server, key):
    assert ended(server, accept(server, "1+1", key, "python", evaluate=True), key)["result"]["result"] == "2"


def test_wait_answers_as_soon_as_it_is_done(server, key):
    id_ = accept(server, "sleep 8; echo done", key)
    begin = time.monotonic()
    assert status(server, id_, key)["status"] in ("pending", "running")
    assert time.monotonic() - begin < 7
    seen = status(server, id_, key, 60)
    assert seen["result"]["stdout"] == "done\n" and time.monotonic() - begin < 50
    assert status(server, id_, key, 60)["result"] == seen["result"]


def test_wait_ends_before_the_execution(server, key):
    id_ = accept(server, "sleep 300", key)
    wait_for("its start", lambda: status(server, id_, key)["started_at"])  # after it has its slot
    begin = time.monotonic()
    seen = status(server, id_, key, 1)
    assert seen["status"] == "running" and seen["started_at"] and 0.9 < time.monotonic() - begin < 10
    assert server.request("DELETE", "/api/v1/executions/" + id_, key=key).json["status"] == "cancelled"


@pytest.mark.parametrize("wait", ["61", "-1", "x", "1.5", ""])
def test_a_wait_that_is_wrong(server, key, wait):
    answer = server.get(f"{STATUS}x?wait={wait}", key=key)
    assert (answer.status, answer.detail) == (400, "wait: must be an integer from 0 to 60")


def test_it_is_the_keys_own(server, key):
    id_ = accept(server, "echo 1", key)
    ended(server, id_, key)
    for found in (server.get(STATUS + id_, key=server.key()), server.get(STATUS + "nothing", key=key),
                  server.get(STATUS + server.run("echo", "bash", key=key)["execution_id"], key=key)):
        assert (found.status, found.detail) == (404, "Execution not found")
    assert server.get(STATUS + id_.upper(), key=key).status in (200, 404)


@pytest.mark.parametrize(("body", "detail"), [
    ({"code": "x", "language": "klingon"}, "Unsupported language: klingon"),
    ({"code": "x", "language": "bash", "timeout": 301}, "timeout: must be an integer from 1 to 300"),
    ({"code": "x", "language": "bash", "limits": {"processes": 1}}, "limits.processes: must be"),
    ({"code": "x", "language": "bash", "version": "1"}, "version: no Bash 1"),
    ({"code": "x", "language": "bash", "webhook": "x"}, "webhook: must be an object"),
    ({"code": "x", "language": "bash", "webhook": {"url": "http://x"}}, "webhook.secret: is required"),
    ({"code": "x", "language": "bash", "webhook": {"url": "ftp://x", "secret": ""}}, "webhook.url: must be an http"),
    ({"code": "x", "language": "bash", "webhook": {"url": "http://a:b@x", "secret": ""}}, "webhook.url: must be"),
    ({"code": "x", "language": "bash", "webhook": {"url": "http://x", "secret": "whsec_AAAA"}}, "webhook.secret: must"),
])
def test_what_is_wrong_is_refused_and_nothing_is_accepted(server, key, body, detail):
    answer = server.request("POST", PATH, body, key=key)
    assert answer.status == 400 and answer.detail.startswith(detail), answer
    assert server.executions(key=key) == []


def test_a_webhook_elsewhere(server, key):
    body = {"code": "x", "language": "bash", "webhook": {"url": "http://x", "secret": "whsec_" + "A" * 32}}
    answer = server.post(body, key=key)
    assert (answer.status, answer.detail) == (400, "webhook: only POST /api/v1/execute/async takes it")
    answer = server.request("POST", "/api/v1/execute/batch", [body], key=key)
    assert answer.detail == "[0].webhook: only POST /api/v1/execute/async takes it"


def test_it_counts_against_the_rate(server):
    key = server.key(rate=2)
    ids = [accept(server, "echo 1", key) for _ in range(2)]
    assert server.request("POST", PATH, {"code": "echo", "language": "bash"}, key=key).status == 429
    for id_ in ids:
        ended(server, id_, key)


def test_idempotency(server, key):
    headers = {"Idempotency-Key": "one"}
    first = server.request("POST", PATH, {"code": "echo 1", "language": "bash"}, key=key, headers=headers)
    again = server.request("POST", PATH, {"code": "echo 1", "language": "bash"}, key=key, headers=headers)
    assert (first.status, again.status, again.header("Idempotency-Replayed")) == (202, 202, "true")
    assert first.body == again.body and first.header("Location") == again.header("Location")
    other = server.request("POST", PATH, {"code": "echo 2", "language": "bash"}, key=key, headers=headers)
    assert other.status == 422
    ended(server, first.json["execution_id"], key)
    assert len(server.executions(key=key)) == 1


def test_credits_are_taken_once(server):
    key = server.key(credits="3")
    ids = [accept(server, "exit 1", key) for _ in range(3)]
    answer = server.request("POST", PATH, {"code": "echo", "language": "bash"}, key=key)
    assert (answer.status, answer.detail) == (402, "Out of credits")
    for id_ in ids:
        ended(server, id_, key)
    assert server.database("select count(*) from reservations") == [(0,)]
    assert server.execute("echo 1", "bash", key=key).status == 402


def wait_program(server, words):
    """Waits until a program with these words runs in a cell."""
    wait_for(f"{words} in a cell", lambda: any(words in top(cell["id"]) for cell in server.containers(running=True)))


# Cancelling.

def one_at_a_time(launch, **more):
    return launch({**SMALL, "CODECELL_CONCURRENCY": 1, "CODECELL_CONCURRENCY_EXTRA": 0, **more}, languages=["bash"])


def test_cancelling_one_that_waits_and_one_that_runs(launch):
    server = one_at_a_time(launch)
    key = server.key(credits="10")
    ids = [accept(server, "sleep 300", key) for _ in range(3)]
    wait_program(server, "sleep 300")
    assert status(server, ids[1], key)["status"] == "pending"
    for id_ in (ids[1], ids[0], ids[2]):
        answer = server.request("DELETE", "/api/v1/executions/" + id_, key=key)
        assert answer.status == 200 and answer.json["status"] == "cancelled", answer
        seen = ended(server, id_, key)
        assert seen["status"] == "failed" and seen["result"]["status"] == "cancelled"
        assert server.request("DELETE", "/api/v1/executions/" + id_, key=key).status == 409
    assert server.database("select credits from keys where credits >= 0") in ([(9,)], [(8,)])  # the last may have begun
    assert server.database("select count(*) from reservations") == [(0,)]


def test_a_removed_session_never_runs_what_waits(launch):
    server = one_at_a_time(launch)
    key = server.key(credits="10")
    first = accept(server, "sleep 300", key)
    wait_program(server, "sleep 300")
    ids = [accept(server, "echo 1", key, session_id="s") for _ in range(5)]
    assert server.request("DELETE", "/api/v1/sessions/s", key=key).status == 200
    assert all(server.get(STATUS + id_, key=key).status == 404 for id_ in ids)
    wait_for("the rows' end", lambda: server.database("select count(*) from journal") == [(1,)])
    assert server.database("select executions from journal_totals") == [(1,)]
    server.request("DELETE", "/api/v1/executions/" + first, key=key)
    ended(server, first, key)
    assert server.database("select credits from keys where credits >= 0") == [(9,)]


# Room.

def test_the_oldest_results_go_first(launch):
    server = launch({**SMALL, "CODECELL_RESULTS_MB": 1}, languages=["bash"])
    ids = [accept(server, "head -c 400000 /dev/zero | tr '\\0' x") for _ in range(4)]
    for id_ in reversed(ids):
        wait_for("its end", lambda id_=id_: server.get(STATUS + id_).status == 410 or status(server, id_)["completed_at"])
    answers = [server.get(STATUS + id_) for id_ in ids]
    assert [answer.status for answer in answers] == [410, 410, 200, 200]
    assert answers[0].detail == "The result of this execution is not kept any more"
    assert len(answers[3].json["result"]["stdout"]) == 400000
    assert server.get("/api/v1/executions/" + ids[0]).json["status"] == "completed"


def test_a_full_queue_is_503_and_each_key_has_room(launch):
    server = one_at_a_time(launch, CODECELL_ASYNC_QUEUE=4)
    other = server.key()
    ids = [accept(server, "sleep 300") for _ in range(2)]
    answer = server.request("POST", PATH, {"code": "echo", "language": "bash"})
    assert (answer.status, answer.detail) == (503, "The queue is full. Please try again later.")
    assert answer.header("Retry-After") == "1"
    late = accept(server, "echo 1", other)
    for id_ in ids:
        assert server.request("DELETE", "/api/v1/executions/" + id_).status == 200
    assert ended(server, late, other)["result"]["stdout"] == "1\n"
    ended(server, accept(server, "echo 1"))


def test_keys_take_turns(launch):
    server = one_at_a_time(launch)
    many, few = server.key(), server.key()
    first = accept(server, "sleep 300", timeout=300)  # until all have come
    wait_program(server, "sleep 300")
    crowd = [accept(server, "date +%s.%N; sleep 0.2", many) for _ in range(8)]
    late = accept(server, "date +%s.%N", few)
    assert server.request("DELETE", "/api/v1/executions/" + first).status == 200
    times = sorted(float(ended(server, id_, many)["result"]["stdout"]) for id_ in crowd)
    assert float(ended(server, late, few)["result"]["stdout"]) < times[-2]


def test_a_busy_background_leaves_slots_to_requests_that_wait(launch):
    server = launch({**SMALL, "CODECELL_CONCURRENCY": 4, "CODECELL_CONCURRENCY_EXTRA": 0}, languages=["bash"])
    ids = [accept(server, "sleep 300", timeout=300) for _ in range(5)]
    server.wait_status("running", 2)
    assert server.output("echo mine", "bash") == "mine\n"
    assert server.execute("echo other", "bash", key=server.key()).json["stdout"] == "other\n"
    server.wait_status("running", 2)
    for id_ in reversed(ids):
        assert server.request("DELETE", "/api/v1/executions/" + id_).json["status"] == "cancelled"


def test_retention(launch):
    server = launch(SMALL, languages=["bash"])
    id_ = accept(server, "echo 1")
    ended(server, id_)
    server.stop()
    server.settings["CODECELL_RETENTION"] = "1s"
    server.start()
    wait_for("its end", lambda: server.get(STATUS + id_).status == 404)
    assert server.database("select count(*), coalesce(sum(result_bytes), 0) from journal") == [(0, 0)]
    assert server.database("select result_bytes from journal_totals") == [(0,)]


# The server ends.

def test_after_a_kill_what_was_accepted_runs(launch):
    """Accepted and waiting, running, and done: each is there after kill -9, and only the one that ran is run again."""
    server = one_at_a_time(launch)
    key = server.key(credits="10")
    done = accept(server, "echo done", key)
    before = ended(server, done, key)
    running = accept(server, "sleep 15; echo ran", key)
    wait_program(server, "sleep 15")
    waiting = [accept(server, f"echo {i}", key) for i in range(3)]
    server.kill()
    server.start()
    assert status(server, done, key) == before
    assert [ended(server, id_, key)["result"]["stdout"] for id_ in waiting] == ["0\n", "1\n", "2\n"]
    seen = ended(server, running, key)["result"]
    assert (seen["stdout"], seen["attempts"]) == ("ran\n", 2)
    records = {one["execution_id"]: one for one in server.executions(key=key)}
    assert [records[id_]["attempts"] for id_ in (done, running, *waiting)] == [1, 2, 1, 1, 1]
    assert {one["status"] for one in records.values()} == {"completed"}
    assert server.database("select credits from keys where credits >= 0") == [(5,)]
    assert server.database("select count(*) from reservations") == [(0,)]


def test_after_three_attempts_it_is_lost(launch):
    server = one_at_a_time(launch)
    key = server.key(credits="10")
    id_ = accept(server, "sleep 300", key, timeout=300)
    for attempt in range(1, 4):
        wait_program(server, "sleep 300")
        wait_for("its attempt", lambda: server.get("/api/v1/executions/" + id_, key=key).json["attempts"] == attempt)
        server.kill()
        server.start()
    seen = ended(server, id_, key)
    assert (seen["status"], seen["result"]) == (
        "failed", {"detail": "Execution failed: the server ended each time that it ran"})
    record = server.get("/api/v1/executions/" + id_, key=key).json
    assert (record["status"], record["attempts"]) == ("lost", 3)
    assert server.database("select credits from keys where credits >= 0") == [(10,)]
    assert ended(server, accept(server, "echo 1", key), key)["status"] == "completed"


def test_a_drain_puts_back_what_runs_long(launch):
    server = one_at_a_time(launch, CODECELL_DRAIN="1s")
    id_, later = accept(server, "sleep 15; echo ran"), accept(server, "echo later")
    wait_for("it runs", lambda: status(server, id_)["status"] == "running" and server.executions(status="running"))
    with server.wire() as wire:
        wire.send(f"GET {STATUS}{id_}?wait=60 HTTP/1.1\r\nHost: x\r\nX-API-Key: {server.any_key}\r\n\r\n")
        status(server, id_)  # on a later connection: when it is answered, the first one was read
        server.stop()
        assert wire.answer().json["status"] in ("pending", "running")
    server.start()
    assert ended(server, id_)["result"]["attempts"] == 1  # an attempt that the server ended in good order does not count
    assert ended(server, later)["result"]["stdout"] == "later\n"


def test_killed_at_random_moments(launch, record_property):
    """Nothing accepted is lost, and nothing is charged twice, whenever the server is killed."""
    server = launch({**SMALL, "CODECELL_CONCURRENCY": 4}, languages=["bash"])
    key, ids = server.key(credits="100"), []
    for round_ in range(4):
        stop = threading.Event()

        def feed(stop=stop):
            while not stop.is_set() and len(ids) < 60:
                try:
                    ids.append(accept(server, f"echo {len(ids)}", key))
                except OSError:
                    return
        thread = threading.Thread(target=feed, daemon=True)
        thread.start()
        time.sleep(0.4 + round_ * 0.23)
        server.kill()
        stop.set()
        thread.join(10)
        server.start()
    results = [ended(server, id_, key) for id_ in ids]
    assert len(ids) > 5 and all(seen["status"] in ("completed", "failed") for seen in results)
    lost = [seen for seen in results if seen["status"] == "failed"]
    assert all("ended each time" in seen["result"]["detail"] for seen in lost)
    records = server.executions(key=key)
    assert {one["execution_id"] for one in records} >= set(ids)
    wait_for("all", lambda: server.database("select count(*) from journal where state < 2") == [(0,)])
    ran = server.database("select count(*) from executions where status = 2")[0][0]
    assert server.database("select credits from keys where credits >= 0") == [(100 - ran,)]
    assert server.database("select count(*) from reservations") == [(0,)]
    record_property("accepted", len(ids))


class Relay:
    """The engine behind a socket that can go away."""

    def __init__(self, folder):
        self.path, self.listener, self.open = folder / "relay.sock", None, []

    def start(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(64)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()
        return self

    def accept(self, listener):
        while True:
            try:
                client, engine = listener.accept()[0], socket.socket(socket.AF_UNIX)
            except OSError:
                return
            engine.connect("/var/run/docker.sock")
            self.open += [client, engine]
            for pair in ((client, engine), (engine, client)):
                threading.Thread(target=self.copy, args=pair, daemon=True).start()

    @staticmethod
    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.path.unlink()
        for each in self.open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.open = []


def test_while_the_engine_is_away_what_was_accepted_waits(launch, tmp_path):
    relay = Relay(tmp_path).start()
    server = launch({**SMALL, "DOCKER_HOST": f"unix://{relay.path}"}, languages=["bash"])
    first = accept(server, "sleep 300")
    wait_program(server, "sleep 300")
    relay.stop()
    server.wait_event("engine.down")
    later = accept(server, "echo later")
    seen = ended(server, first)
    assert seen["status"] == "failed" and "ended unexpectedly" in seen["result"]["detail"]
    assert (status(server, later)["status"], server.get("/api/v1/executions/" + later).json["attempts"]) == ("pending", 0)
    relay.start()
    assert ended(server, later)["result"]["attempts"] == 1


def test_an_end_that_cannot_be_written_comes_later(launch):
    """The database fails while the program runs: nothing is accepted then, and the program runs once more."""
    server = launch(SMALL, languages=["bash"])
    key = server.key(credits="5")
    second = accept(server, "sleep 300; echo 2", key, timeout=300)
    wait_program(server, "sleep 300")
    first = accept(server, "sleep 12; echo 1", key)
    wait_program(server, "sleep 12")
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    server.wait_event("journal.failed")
    answer = server.request("POST", PATH, {"code": "echo", "language": "bash"}, key=key)
    assert answer.status == 503, answer
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert ended(server, first, key)["result"]["stdout"] == "1\n"
    assert server.request("DELETE", "/api/v1/executions/" + second, key=key).status == 200
    assert server.database("select count(*) from reservations") == [(0,)]
    assert server.database("select credits from keys where credits >= 0") == [(3,)]


def test_many_at_once(server, key):
    ids = in_parallel([lambda i=i: accept(server, f"echo {i}", key) for i in range(40)])
    assert [ended(server, id_, key)["result"]["stdout"] for id_ in ids] == [f"{i}\n" for i in range(40)]


def test_large_requests_and_results(server, key):
    text = "x" * 3_000_000
    id_ = accept(server, "cat", key, stdin=text, limits={"output_kb": 4096})
    assert ended(server, id_, key)["result"]["stdout"] == text


def test_a_database_of_the_last_release_is_migrated(launch):
    server = launch(SMALL, languages=["bash"])
    with sqlite3.connect(next(server.data_dir.glob("*.db"))) as database:
        newest = max(int(path.name[:4]) for path in (ROOT / "migrations").glob("*.sql"))
        assert database.execute("pragma user_version").fetchone() == (newest,)
