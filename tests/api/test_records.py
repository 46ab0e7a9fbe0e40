"""Records of executions: the list, its pages and filters, one record, and that each key sees its own."""
import datetime
import re

import pytest

from codecell import top, wait_for

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
FIELDS = {"execution_id", "session_id", "language", "version", "status", "exit_code", "created_at", "started_at",
          "completed_at", "execution_time", "queue_time", "cpu_time", "memory_mb", "code_bytes", "stdout_bytes",
          "stderr_bytes"}


def when(text):
    assert TIME.fullmatch(text), text
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def record(server, key, id_):
    answer = server.get("/api/v1/executions/" + id_, key=key)
    assert answer.status == 200, answer
    return answer.json


def test_a_record(server, key):
    before = datetime.datetime.now(datetime.timezone.utc)
    code = "import sys\nprint('é' * 10)\nprint('xx', file=sys.stderr)\nsys.exit(3)"
    result = server.run(code, key=key, session_id="s")
    seen = record(server, key, result["execution_id"])
    assert FIELDS <= set(seen), FIELDS - set(seen)
    for name in ("execution_id", "session_id", "language", "status", "exit_code"):
        assert seen[name] == result[name], name
    assert seen["status"] == "failed"
    assert (seen["code_bytes"], seen["stdout_bytes"], seen["stderr_bytes"]) == (len(code.encode()), 21, 3)
    assert "stdout" not in seen and "stderr" not in seen and "code" not in seen
    created, started, completed = (when(seen[name]) for name in ("created_at", "started_at", "completed_at"))
    assert before - datetime.timedelta(seconds=1) <= created <= started <= completed
    assert seen["execution_time"] == pytest.approx(result["execution_time"], abs=0.002)
    assert seen["cpu_time"] == pytest.approx(result["cpu_time"], abs=0.002)
    assert seen["memory_mb"] == pytest.approx(result["memory_mb"], abs=1)
    assert seen["queue_time"] == pytest.approx(result["queue_time"], abs=0.002)


def test_a_record_is_there_when_its_answer_is(server, key):
    for _ in range(5):
        result = server.run(":", "bash", key=key)
        assert record(server, key, result["execution_id"])["status"] == "completed"


def test_an_id_in_upper_case_or_not_is_one_record_or_none(server, key):
    id_ = server.run(":", "bash", key=key)["execution_id"]
    assert server.get("/api/v1/executions/" + id_.upper(), key=key).status in (200, 404)


@pytest.mark.parametrize("code,language,fields,status", [
    (":", "bash", {}, "completed"), ("exit 1", "bash", {}, "failed"), ("kill -9 $$", "bash", {}, "failed"),
    ("sleep 50", "bash", {"timeout": 1}, "timed_out"), ("int main(", "c", {}, "compile_failed"),
    ("x = b'x' * 10**9", "python", {"limits": {"memory_mb": 32}}, "out_of_memory"),
])
def test_each_status(server, key, code, language, fields, status):
    answer = server.execute(code, language, key=key, **fields)
    seen = record(server, key, answer.json["execution_id"])
    assert seen["status"] == answer.json["status"] == status
    assert seen["exit_code"] == answer.json["exit_code"]


def test_pending_and_running_and_cancelled(server, key):
    running = server.begin("sleep 200", "bash", key=key)
    seen = server.wait_status("running", key=key)[0]
    assert (seen["exit_code"], seen["completed_at"]) == (None, None)
    assert when(seen["created_at"])
    running.leave()
    seen = server.wait_status("cancelled", key=key)[0]
    assert when(seen["completed_at"]) and seen["exit_code"] in (None, 137)


def test_delete_cancels_what_runs(server, key):
    running = server.begin("echo before; sleep 200", "bash", key=key)
    id_ = server.wait_status("running", key=key)[0]["execution_id"]
    assert server.request("DELETE", "/api/v1/executions/" + id_, key=server.key()).status == 404
    assert server.request("DELETE", "/api/v1/executions/" + id_, key=key).status == 200
    running.answer()
    assert record(server, key, id_)["status"] == "cancelled"
    wait_for("its program's end", lambda: not any("sleep 200" in top(cell["id"]) for cell in server.containers()))


def test_the_list_newest_first_in_pages(server, key):
    ids = [server.run(":", "bash", key=key)["execution_id"] for _ in range(5)]
    assert [item["execution_id"] for item in server.executions(key=key)] == ids[::-1]
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = server.get("/api/v1/executions?limit=2" + (f"&cursor={cursor}" if cursor else ""), key=key).json
        assert list(page) == ["items", "next_cursor"] and len(page["items"]) <= 2
        seen += [item["execution_id"] for item in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
        assert cursor is None or isinstance(cursor, str)
        if pages == 1:
            server.run(":", "bash", key=key)  # new records do not move the pages
    assert (seen, pages) == (ids[::-1], 3)


def test_a_cursor_tells_nothing_and_is_the_keys_own(server, key):
    for number in range(3):
        server.run(":", "bash", key=key, session_id=f"s{number}")
    cursors = {path: server.get(f"/api/v1/{path}?limit=1", key=key).json["next_cursor"]
               for path in ("executions", "sessions")}
    cursors["sessions/s0/executions"] = cursors["executions"]
    other = server.key()
    for path, cursor in cursors.items():
        assert re.fullmatch(r"[0-9a-f]{32}", cursor), cursor
        assert server.get(f"/api/v1/{path}?cursor={cursor}", key=key).status == 200
        wrong = cursors["sessions" if "executions" in path else "executions"]
        refused = [server.get(f"/api/v1/{path}?cursor={cursor}", key=other) if path != "sessions/s0/executions" else None,
                   server.get(f"/api/v1/{path}?cursor={wrong}", key=key),
                   server.get(f"/api/v1/{path}?cursor={cursor[:-1]}", key=key)]
        for answer in filter(None, refused):
            assert answer.status == 400 and answer.detail == "cursor: must be the next_cursor of a page", answer


def test_an_exact_page_has_no_next(server, key):
    for _ in range(2):
        server.run(":", "bash", key=key)
    assert server.get("/api/v1/executions?limit=2", key=key).json["next_cursor"] is None


def test_the_empty_list(server, key):
    assert server.get("/api/v1/executions", key=key).json == {"items": [], "next_cursor": None}
    assert server.get("/api/v1/sessions", key=key).json == {"items": [], "next_cursor": None}


def test_filters(server, key):
    ids = {}
    for session, code, language in (("a", ":", "bash"), ("a", "exit 1", "bash"), ("b", "pass", "python"),
                                    (None, "exit 1", "bash")):
        ids[session, code] = server.run(code, language, session_id=session, key=key)["execution_id"]

    def found(**filters):
        return [item["execution_id"] for item in server.executions(key=key, **filters)]
    assert found(session_id="a") == [ids["a", "exit 1"], ids["a", ":"]]
    assert found(language="python") == [ids["b", "pass"]]
    assert found(status="failed") == [ids[None, "exit 1"], ids["a", "exit 1"]]
    assert found(session_id="a", status="failed", language="bash") == [ids["a", "exit 1"]]
    assert found(session_id="none") == [] and found(language="c") == []


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=", "limit=1.5", "limit=-1",
                                   "status=nothing", "cursor=x", "cursor=1", "cursor=-1", "cursor=%00",
                                   "cursor=99999999999999999999999", "limit=99999999999999999999"])
def test_bad_queries(server, query):
    answer = server.get("/api/v1/executions?" + query)
    assert answer.status == 400 and (query.split("=")[0] in answer.detail or "%" in query), answer


def test_limit_at_its_edges(server):
    for limit in (1, 200):
        assert server.get(f"/api/v1/executions?limit={limit}").status == 200


def test_records_are_the_keys_own(server, key):
    id_ = server.run(":", "bash", key=key, session_id="mine")["execution_id"]
    other = server.key()
    for path in ("/api/v1/executions/" + id_, "/api/v1/sessions/mine", "/api/v1/sessions/mine/executions"):
        answer = server.get(path, key=other)
        assert answer.status == 404 and answer.detail
    assert server.request("DELETE", "/api/v1/sessions/mine", key=other).status == 404
    assert server.executions(key=other) == []
    assert server.get("/api/v1/sessions", key=other).json["items"] == []
    assert server.executions(key=other, session_id="mine") == []
    assert record(server, key, id_)["session_id"] == "mine"


def test_records_outlive_a_restart(launch):
    server = launch({"CODECELL_POOL": "*=0"}, languages=["bash"])
    id_ = server.run("echo 1; exit 4", "bash", session_id="s")["execution_id"]
    before = record(server, server.any_key, id_), server.get("/api/v1/sessions/s").json
    server.stop()
    server.start()
    assert (record(server, server.any_key, id_), server.get("/api/v1/sessions/s").json) == before


def test_output_is_kept_where_the_setting_says_so(launch):
    server = launch({"CODECELL_KEEP": "output", "CODECELL_POOL": "*=0"}, languages=["bash"])
    id_ = server.run("echo out; echo err >&2 # secret", "bash")["execution_id"]
    seen = record(server, server.any_key, id_)
    assert (seen["stdout"], seen["stderr"]) == ("out\n", "err\n")
    assert "code" not in seen
    server.stop()
    assert all(b"# secret" not in file.read_bytes() for file in server.data_files())


def test_all_is_kept_where_the_setting_says_so(launch):
    server = launch({"CODECELL_KEEP": "all", "CODECELL_POOL": "*=0"}, languages=["bash"])
    id_ = server.run("printf '\\377'; echo out # the code", "bash", stdin="MARK-OF-STDIN")["execution_id"]
    assert record(server, server.any_key, id_)["stdout"] == "\ufffdout\n"
    server.stop()
    assert any(b"# the code" in file.read_bytes() for file in server.data_files())
    assert all(b"MARK-OF-STDIN" not in file.read_bytes() for file in server.data_files())


def test_nothing_but_sizes_is_kept_by_default(server, key):
    server.run("echo OUT-$((40+2))-PUT # MARK-OF-CODE", "bash", key=key, stdin="MARK-OF-STDIN", args=["MARK-OF-ARGS"],
               environment={"X": "MARK-OF-ENV"}, files=[{"path": "f", "content": "MARK-OF-FILE"}])
    for file in server.data_files():
        data = file.read_bytes()
        assert b"MARK-OF" not in data and b"OUT-42-PUT" not in data, file


def test_retention(launch):
    server = launch({"CODECELL_POOL": "*=0"}, languages=["bash"])
    server.run(":", "bash", session_id="s")
    server.stop()
    server.settings["CODECELL_RETENTION"] = "1s"
    server.start()
    wait_for("the record's end", lambda: server.executions() == [])
    wait_for("the session's end", lambda: server.get("/api/v1/sessions").json["items"] == [])
