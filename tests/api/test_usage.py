"""Usage: what a key's executions have used, by day and by language, also after their records are gone."""
import datetime

import pytest

from codecell import in_parallel, wait_for

USAGE = "/api/v1/usage"
FIGURES = {"executions", "completed", "credits", "execution_time", "cpu_time", "output_bytes"}


def usage(server, key, query=""):
    answer = server.get(USAGE + query, key=key)
    assert answer.status == 200, answer
    return answer.json


def today():
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


def same_day(check):
    """Runs the check again if midnight came meanwhile."""
    day = today()
    try:
        check(day)
    except AssertionError:
        if day == today():
            raise
        check(today())


def test_nothing_yet(server, key):
    seen = usage(server, key)
    assert seen["items"] == [] and seen["next_cursor"] is None
    assert seen["total"] == {"executions": 0, "completed": 0, "credits": 0, "execution_time": 0.0, "cpu_time": 0.0,
                             "output_bytes": 0}
    first, last = (datetime.date.fromisoformat(seen[name]) for name in ("from", "to"))
    assert (last - first).days == 29 and seen["by"] == "day" and seen["key_id"] == key[3:11]


def test_what_ran_is_counted(server):
    def check(day):
        key = server.key(credits="10")
        ran = [server.run("echo hello", "bash", key=key), server.run("echo no >&2; exit 3", "bash", key=key),
               server.run("print(1)", "python", key=key)]
        seen = usage(server, key)
        assert [item["day"] for item in seen["items"]] == [day]
        item = seen["items"][0]
        assert set(item) == {"day", *FIGURES} and {name: item[name] for name in FIGURES} == seen["total"]
        assert (item["executions"], item["completed"], item["credits"], item["output_bytes"]) == (3, 2, 3, 11)
        assert item["execution_time"] == pytest.approx(sum(one["execution_time"] for one in ran), abs=1e-4)
        assert item["cpu_time"] == pytest.approx(sum(one["cpu_time"] for one in ran), abs=1e-4)
        seen = usage(server, key, "?by=language")
        assert [(item["language"], item["executions"]) for item in seen["items"]] == [("bash", 2), ("python", 1)]
    same_day(check)


def test_what_did_not_run_takes_no_credit(server):
    key = server.key(credits="1")
    assert server.post({"code": "x", "language": "nothing"}, key=key).status == 400
    assert server.execute(":", "bash", key=key).status == 200
    assert server.execute(":", "bash", key=key).status == 402
    total = usage(server, key)["total"]
    assert (total["executions"], total["credits"]) == (1, 1)


def test_a_timeout_and_a_cancelled_program_count(server, key):
    assert server.execute("sleep 9", "bash", key=key, timeout=1).status == 500
    running = server.begin("sleep 99", "bash", key=key)
    record = server.wait_status("running", key=key)[0]
    server.request("DELETE", "/api/v1/executions/" + record["execution_id"], key=key)
    running.answer()
    total = usage(server, key)["total"]
    assert (total["executions"], total["completed"]) == (2, 0) and total["execution_time"] >= 1


def test_side_by_side_all_are_counted(server, key):
    in_parallel([lambda: server.run(":", "bash", key=key) for _ in range(12)])
    assert usage(server, key)["total"]["executions"] == 12


def test_counters_outlive_a_removed_session(server, key):
    server.run("echo x", "bash", session_id="gone", key=key)
    running = server.begin("sleep 99", "bash", session_id="gone", key=key)
    server.wait_status("running", key=key)
    assert server.request("DELETE", "/api/v1/sessions/gone", key=key).status == 200
    running.answer()
    assert server.executions(key=key) == []
    wait_for("both", lambda: usage(server, key)["total"]["executions"] == 2)


def test_counters_outlive_records_and_a_restart(launch):
    server = launch({"CODECELL_RETENTION": "1s"}, languages=["bash"])
    key = server.key()
    server.run("echo x", "bash", key=key)
    server.stop()
    server.start()
    wait_for("the record's end", lambda: server.executions(key=key) == [])
    assert usage(server, key)["total"]["executions"] == 1


def test_a_kill_counts_no_execution_twice(launch):
    server = launch(languages=["bash"])
    key = server.key(credits="100")
    for _ in range(3):
        assert server.execute(":", "bash", key=key).status == 200
        running = [server.begin("sleep 99", "bash", key=key) for _ in range(2)]
        server.wait_status("running", 2, key=key)
        server.kill()
        for one in running:
            one.thread.join()
        server.start()
    total = usage(server, key)["total"]
    assert (total["executions"], total["credits"]) == (3, 3)
    wait_for("the rest given back",
             lambda: server.database("select credits from keys where name = 'test'") == [(97,)])


def test_another_key(server, key):
    admin, other = server.key(scopes="read,admin"), server.key()
    server.run(":", "bash", key=key)
    seen = usage(server, admin, "?key=" + key[3:11])
    assert seen["key_id"] == key[3:11] and seen["total"]["executions"] == 1
    assert usage(server, admin)["total"]["executions"] == 0
    assert usage(server, other, "?key=" + other[3:11])["total"]["executions"] == 0
    for id_ in (key[3:11], "nobody00"):
        answer = server.get(f"{USAGE}?key={id_}", key=other)
        assert (answer.status, answer.detail) == (403, "This key may not read another key's usage")
    assert server.get(USAGE + "?key=nobody00", key=admin).status == 404
    assert server.get(USAGE, key=server.key(scopes="execute")).status == 403


@pytest.mark.parametrize("query, sentence", [
    ("?from=yesterday", "from: must be a day such as 2026-01-31"),
    ("?to=2026-02-30", "to: must be a day such as 2026-01-31"),
    ("?from=2026-02-02&to=2026-02-01", "from: must not be after to"),
    ("?from=2020-01-01&to=2021-01-01", "from: must be at most 365 days before to"),
    ("?by=month", "by: must be day or language"),
    ("?key=short", "key: must be a key's id"),
])
def test_wrong_queries(server, key, query, sentence):
    answer = server.get(USAGE + query, key=key)
    assert (answer.status, answer.detail) == (400, sentence)


def test_a_range(server, key):
    server.run(":", "bash", key=key)
    assert usage(server, key, "?from=2020-01-01&to=2020-12-31")["items"] == []
    assert usage(server, key, f"?from={today()}")["total"]["executions"] == 1
