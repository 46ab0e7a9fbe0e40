"""What an operator sees over HTTP: the overview, the last hour, and the search over all keys' executions."""
import contextlib
import re
import sqlite3

import pytest

from codecell import ROOT, wait_for

SETTINGS = {"CODECELL_POOL": "bash=1,*=0", "CODECELL_CONCURRENCY": 1, "CODECELL_CONCURRENCY_EXTRA": 0, "CODECELL_QUEUE": 1,
            "CODECELL_KEEP": "all"}
OVERVIEW, HISTORY, SEARCH = (f"/api/v1/admin/{name}" for name in ("overview", "history", "executions"))


@pytest.fixture(scope="module")
def admin(server):
    return server.key("root", scopes="execute,read,admin")


@pytest.fixture(scope="module")
def alice(server):
    return server.key("alice")


@pytest.fixture
def ask(server, admin):
    """ask(PATH, PARAMETERS): the answer's content, which must be 200."""
    def asked(path, **query):
        answer = server.get(path + "?" + "&".join(f"{name}={value}" for name, value in query.items()), key=admin)
        assert answer.status == 200, answer
        return answer.json
    return asked


@pytest.mark.parametrize("path", [OVERVIEW, HISTORY, SEARCH])
def test_only_an_admin_may_ask(server, path):
    assert server.get(path, key=None).status == 401
    refused = server.get(path)
    assert (refused.status, refused.detail) == (403, "This key may not see the server's operation")


def test_the_overview_of_a_server_at_rest(server, ask):
    wait_for("an idle cell", lambda: {one["language"]: one for one in ask(OVERVIEW)["pool"]}["bash"]["ready"] == 1)
    seen = ask(OVERVIEW)
    pool = {one.pop("language"): one for one in seen["pool"]}
    assert pool["bash"]["wanted"] == 1 and pool["bash"]["running"] == 0 and pool["c"]["wanted"] == 0
    assert seen["executions"] == {"waiting": 0, "running": 0, "background": 0, "waiting_most": 1, "running_most": 1,
                                  "items": [], "more": False}
    health = seen["health"]
    assert health["engine"] == health["languages"] == {"ok": True, "reason": None}
    assert health["database"]["ok"] and 0 < health["database"]["seconds"] < 10
    ready = server.get("/ready", key=None).json["checks"]
    assert health["isolation"]["name"] == ready["isolation"] and health["isolation"]["ok"] == (
        "isolation_reason" not in ready)
    assert 0 < health["disk"]["free_mb"] < health["disk"]["total_mb"] and health["draining"] is False
    assert seen["started_at"] < seen["time"] and seen["version"] in server.cli("--version").stdout


def test_what_runs_waits_and_is_turned_away(server, ask, alice):
    first = server.begin("sleep 60", "bash", key=alice, session_id="lesson")
    wait_for("a running one", lambda: [one["state"] for one in ask(OVERVIEW)["executions"]["items"]] == ["running"])
    second = server.begin("echo 2", "bash", key=alice)
    wait_for("one that waits", lambda: ask(OVERVIEW)["executions"]["waiting"] == 1)
    assert server.execute("echo 3", "bash", key=alice).status == 503
    seen = ask(OVERVIEW)
    running, waiting = seen["executions"]["items"]
    assert (running["key_name"], running["key_id"], running["session_id"]) == ("alice", alice[3:11], "lesson")
    assert (running["language"], running["state"], waiting["state"]) == ("bash", "running", "waiting")
    assert running["started_at"] >= running["created_at"] and waiting["started_at"] is None
    assert seen["executions"]["running"] == 1 and seen["executions"]["more"] is False
    warnings = {one["id"]: one for one in seen["warnings"]}
    assert warnings["queue.full"]["count"] == 1 and "CODECELL_QUEUE" in warnings["queue.full"]["what_to_do"]
    assert warnings["queue"]["count"] is None
    found = ask(SEARCH, status="running")["items"]
    assert [one["execution_id"] for one in found] == [running["execution_id"]]
    assert server.request("DELETE", f"/api/v1/executions/{running['execution_id']}", key=alice).status == 200
    assert first.answer().json["status"] == "cancelled" and second.answer().json["stdout"] == "2\n"


def test_the_last_hour(server, ask, alice):
    before = ask(HISTORY)
    assert server.run("exit 3", "bash", key=alice)["exit_code"] == 3
    assert server.run("echo", "bash", key=alice)["exit_code"] == 0
    assert server.execute("sleep 9", "bash", key=alice, timeout=1).status == 500
    after = ask(HISTORY)
    bash, old = ({one["language"]: one for one in seen["languages"]}.get("bash", {}) for seen in (after, before))
    assert [bash[name] - old.get(name, 0) for name in ("executions", "completed", "failed", "timed_out", "errors")] == [
        3, 1, 1, 1, 0]
    assert 0 < bash["p50_seconds"] <= bash["p95_seconds"] and bash["p95_seconds"] >= 0.8
    assert after["requests"]["answered"] > before["requests"]["answered"]
    assert after["requests"]["errors"] == before["requests"]["errors"] + 1
    assert len(after["minutes"]) == 60 and len(ask(HISTORY, minutes=2)["minutes"]) == 2
    times = [one["time"] for one in after["minutes"]]
    assert times == sorted(set(times)) and all(one.endswith(":00.000Z") for one in times)
    assert sum(one["all"]["executions"] for one in after["minutes"]) == after["all"]["executions"]
    assert after["minutes"][0]["languages"] == [] and after["minutes"][0]["all"]["p50_seconds"] is None


def test_the_history_refuses_other_numbers(server, admin):
    for minutes in ("0", "61", "x"):
        answer = server.get(f"{HISTORY}?minutes={minutes}", key=admin)
        assert answer.status == 400 and answer.detail.startswith("minutes: must be")


def test_the_search(server, ask, alice):
    """It finds all keys' executions, without their code and output, which this server keeps."""
    server.run("exit 3", "bash", key=alice)
    bob = server.key("bob")
    run = server.run("echo secret", "bash", key=bob, session_id="found")
    mine = server.executions(key=bob)[0]
    assert mine["stdout"] == "secret\n"
    for filters in ({"key": bob[3:11]}, {"id": run["execution_id"][:8]}, {"id": run["execution_id"].upper()},
                    {"session_id": "found"}, {"key": bob[3:11], "language": "bash", "status": "completed"}):
        items = ask(SEARCH, **filters)["items"]
        assert len(items) == 1, filters
        assert items[0] == {**{name: value for name, value in mine.items() if name not in ("code", "stdout", "stderr")},
                            "key_id": bob[3:11], "key_name": "bob"}
    newest = ask(SEARCH, limit=1)
    assert newest["items"][0]["execution_id"] == run["execution_id"]
    assert ask(SEARCH, limit=1, cursor=newest["next_cursor"])["items"][0]["key_id"] == alice[3:11]
    assert ask(SEARCH, language="cobol")["items"] == ask(SEARCH, key="nobodys0")["items"] == []
    failed = ask(SEARCH, status="failed")["items"]
    assert failed and {one["status"] for one in failed} == {"failed"}


@pytest.mark.parametrize("query", ["id=ab", "id=zzzz", "key=short", "status=odd", "cursor=00", "limit=201"])
def test_the_search_refuses(server, admin, query):
    answer = server.get(f"{SEARCH}?{query}", key=admin)
    assert answer.status == 400 and answer.detail.startswith(query.split("=")[0] + ": ")


def test_a_cursor_of_another_list_is_refused(server, admin, ask):
    cursor = ask(SEARCH, limit=1)["next_cursor"]
    assert server.get(f"/api/v1/executions?cursor={cursor}", key=admin).status == 400


def test_without_an_engine(launch):
    server = launch({"DOCKER_HOST": "unix:///nonexistent.sock"}, languages=[], ready=False)
    seen = server.get(OVERVIEW, key=server.key("root", scopes="admin")).json
    assert seen["health"]["engine"] == {"ok": False, "reason": "it does not answer"} and seen["pool"] == []
    assert [one["id"] for one in seen["warnings"] if one["level"] == "error"][:2] == ["engine", "languages"]


def test_while_no_record_can_be_written(launch):
    server = launch(languages=[])
    admin = server.key("root", scopes="execute,admin")
    with contextlib.closing(sqlite3.connect(server.data_dir / "codecell.db")) as database:
        database.execute("ALTER TABLE usage RENAME TO elsewhere")
    wait_for("trouble", lambda: server.get(OVERVIEW, key=admin).json["health"]["database"]["ok"] is False)
    seen = server.get(OVERVIEW, key=admin).json
    assert seen["health"]["database"]["reason"] and seen["warnings"][0]["id"] == "database"
    assert "data directory" in seen["warnings"][0]["what_to_do"]
    assert any(one["id"] == "database.unusable" and one["count"] == 1 for one in seen["warnings"])
    with contextlib.closing(sqlite3.connect(server.data_dir / "codecell.db")) as database:
        database.execute("ALTER TABLE elsewhere RENAME TO usage")
    wait_for("no trouble", lambda: server.get(OVERVIEW, key=admin).json["health"]["database"]["ok"])


def test_each_warning_of_the_log_has_advice():
    """What the server's source may log as a warning or an error is in the table of admin_warnings.c."""
    logged = set()
    for file in [*ROOT.glob("server/**/*.c"), *ROOT.glob("docker/**/*.c")]:
        for call in re.findall(r"log_event\(([^;]*?)LOG_STR|log_event\(([^;]*?)LOG_INT", file.read_text()):
            text = "".join(call)
            if "LOG_WARN" in text or "LOG_ERROR" in text:
                logged.update(re.findall(r'"([a-z_]+\.[a-z_]+)"', text))
    told = set(re.findall(r'^    \{"([a-z_.]+)"', (ROOT / "server/api/admin_warnings.c").read_text(), re.M))
    assert len(logged) > 20 and logged - told - {"language.unavailable", "engine.up"} == set()
