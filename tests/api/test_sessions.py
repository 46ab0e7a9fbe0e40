"""Sessions: made by their first execution, counted, listed, deleted together with what runs in them."""
import contextlib
import datetime
import sqlite3
import subprocess

import pytest

from codecell import UUID, in_parallel, wait_for

FIELDS = {"session_id", "created_at", "last_used_at", "expires_at", "workspace", "state", "state_reason", "language",
          "bytes", "executions", "total_execution_time", "durable", "version"}
SESSIONS = "/api/v1/sessions"


def session(server, key, id_):
    answer = server.get("/api/v1/sessions/" + id_, key=key)
    assert answer.status == 200, answer
    return answer.json


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_a_session_is_made_and_counted(server, key):
    total = 0
    for number in (1, 2, 3):
        total += server.run("sleep 0.1", "bash", session_id="chat:1", key=key)["execution_time"]
        seen = session(server, key, "chat:1")
        assert FIELDS <= set(seen)
        assert (seen["session_id"], seen["executions"], seen["workspace"]) == ("chat:1", number, False)
        assert seen["total_execution_time"] == pytest.approx(total, abs=0.01)
    assert when(seen["created_at"]) < when(seen["last_used_at"])
    assert seen["expires_at"] is None or when(seen["expires_at"]) > when(seen["last_used_at"])


def test_a_session_keeps_nothing_between_its_executions(server, key):
    server.run("echo x > f; echo x > /tmp/f; sleep 100 &", "bash", session_id="s", key=key)
    assert server.output("ls -A . /tmp | grep -x f; pgrep sleep; true", "bash", session_id="s", key=key) == ""


def test_the_same_id_of_two_keys_is_two_sessions(server, key):
    other = server.key()
    server.run(":", "bash", session_id="same", key=key)
    server.run(":", "bash", session_id="same", key=other)
    assert session(server, key, "same")["executions"] == session(server, other, "same")["executions"] == 1
    assert server.request("DELETE", "/api/v1/sessions/same", key=key).status == 200
    assert session(server, other, "same")["executions"] == 1


def test_the_list_in_pages(server, key):
    for name in "abcde":
        server.run(":", "bash", session_id=name, key=key)
    seen, cursor = [], ""
    while cursor is not None:
        page = server.get(f"/api/v1/sessions?limit=2{cursor and '&cursor=' + cursor}", key=key).json
        seen += [item["session_id"] for item in page["items"]]
        assert all(FIELDS <= set(item) for item in page["items"])
        cursor = page["next_cursor"]
    assert seen == list("edcba")


def test_executions_of_a_session(server, key):
    ids = [server.run(":", "bash", session_id="s", key=key)["execution_id"] for _ in range(3)]
    server.run(":", "bash", session_id="other", key=key)
    page = server.get("/api/v1/sessions/s/executions", key=key).json
    assert [item["execution_id"] for item in page["items"]] == ids[::-1] and page["next_cursor"] is None
    page = server.get("/api/v1/sessions/s/executions?limit=1", key=key).json
    assert len(page["items"]) == 1 and page["next_cursor"]
    assert server.get("/api/v1/sessions/none/executions", key=key).status == 404


@pytest.mark.parametrize("path", ["/api/v1/sessions/", "/api/v1/execute/session/"])
def test_delete(server, key, path):
    id_ = server.run(":", "bash", session_id="gone", key=key)["execution_id"]
    stays = server.run(":", "bash", session_id="stays", key=key)["execution_id"]
    answer = server.request("DELETE", path + "gone", key=key)
    assert (answer.status, answer.json) == (200, {"message": "Session gone cleaned up"})
    assert server.get("/api/v1/sessions/gone", key=key).status == 404
    assert server.get("/api/v1/executions/" + id_, key=key).status == 404
    assert server.request("DELETE", path + "gone", key=key).status == 404
    assert server.get("/api/v1/executions/" + stays, key=key).status == 200


def test_delete_stops_what_runs(server, key):
    running = [server.begin("echo before; sleep 4711", "bash", session_id="busy", key=key) for _ in range(2)]
    spared = server.begin("sleep 1; echo spared", "bash", session_id="other", key=key)
    server.wait_status("running", 2, key=key, session_id="busy")
    assert server.request("DELETE", "/api/v1/sessions/busy", key=key).status == 200
    for each in running:
        each.answer()
    wait_for("their end", lambda: subprocess.run(["pgrep", "-f", "sleep 4711"], check=False).returncode == 1)
    assert spared.answer().json["stdout"] == "spared\n"
    assert server.executions(key=key, session_id="busy") == []
    assert server.get("/api/v1/sessions/busy", key=key).status == 404


def test_delete_then_use_again(server, key):
    server.run(":", "bash", session_id="again", key=key)
    server.request("DELETE", "/api/v1/sessions/again", key=key)
    server.run(":", "bash", session_id="again", key=key)
    assert session(server, key, "again")["executions"] == 1


def test_ids_with_every_allowed_character(server, key):
    id_ = "A.z_0:9-" + "x" * 120
    server.run(":", "bash", session_id=id_, key=key)
    assert session(server, key, id_)["session_id"] == id_
    assert session(server, key, id_.replace(":", "%3A"))["session_id"] == id_
    assert server.request("DELETE", "/api/v1/sessions/" + id_, key=key).json["message"] == f"Session {id_} cleaned up"


def test_side_by_side_in_one_session_all_are_counted(server, key):
    running = [server.begin(":", "bash", session_id="many", key=key) for _ in range(8)]
    assert all(each.answer().status == 200 for each in running)
    assert session(server, key, "many")["executions"] == 8


def make(server, key, **fields):
    answer = server.request("POST", SESSIONS, fields, key=key)
    assert answer.status == 201, answer
    return answer


def lives(seen):
    """Seconds from the last use to the expiry."""
    return (when(seen["expires_at"]) - when(seen["last_used_at"])).total_seconds()


def test_a_session_is_made_before_its_first_execution(server, key):
    answer = make(server, key, session_id="made", ttl_seconds=120)
    made = answer.json
    assert answer.header("Location") == SESSIONS + "/made" and set(made) == {*FIELDS, "warnings"}
    assert (made["session_id"], made["workspace"], made["state"], made["executions"]) == ("made", False, "tracking", 0)
    assert made["state_reason"] is None and made["created_at"] == made["last_used_at"] and lives(made) == 120
    assert session(server, key, "made") == {name: made[name] for name in FIELDS}
    server.run(":", "bash", session_id="made", key=key)
    seen = session(server, key, "made")
    assert (seen["executions"], lives(seen)) == (1, 120) and when(seen["expires_at"]) > when(made["expires_at"])
    page = server.get(SESSIONS + "/made/executions", key=key).json
    assert len(page["items"]) == 1


def test_a_session_without_a_name_gets_one(server, key):
    for body in ({}, {"session_id": None, "ttl_seconds": None, "workspace": False, "durable": False}):
        made = make(server, key, **body).json
        assert UUID.fullmatch(made["session_id"]) and lives(made) == 3600
    answer = server.request("POST", SESSIONS, key=key)
    assert answer.status == 201 and answer.header("Location") == f"{SESSIONS}/{answer.json['session_id']}"


def test_a_name_that_is_taken(server, key):
    make(server, key, session_id="taken")
    server.run(":", "bash", session_id="implicit", key=key)
    for id_ in ("taken", "implicit"):
        answer = server.request("POST", SESSIONS, {"session_id": id_}, key=key)
        assert (answer.status, answer.detail) == (409, f"Session {id_} is there already")
    make(server, server.key(), session_id="taken")
    assert server.request("DELETE", SESSIONS + "/taken", key=key).status == 200
    make(server, key, session_id="taken")


def test_side_by_side_one_makes_it(server, key):
    answers = in_parallel([lambda: server.request("POST", SESSIONS, {"session_id": "race"}, key=key)
                           for _ in range(8)])
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7


def test_a_new_time_to_live(server, key):
    make(server, key, session_id="patched", ttl_seconds=60)
    answer = server.request("PATCH", SESSIONS + "/patched", {"ttl_seconds": 604800}, key=key)
    assert answer.status == 200 and lives(answer.json) == 604800
    answer = server.request("PATCH", SESSIONS + "/patched", {"workspace": True}, key=key)
    assert answer.status == 200 and answer.json["warnings"] == ["unknown field: workspace"]
    assert lives(answer.json) == 604800
    server.run(":", "bash", session_id="implicit", key=key)
    assert session(server, key, "implicit")["expires_at"] is None
    assert lives(server.request("PATCH", SESSIONS + "/implicit", {"ttl_seconds": 90}, key=key).json) == 90
    for id_, other in (("nobody", key), ("patched", server.key())):
        answer = server.request("PATCH", f"{SESSIONS}/{id_}", {"ttl_seconds": 90}, key=other)
        assert (answer.status, answer.detail) == (404, "Session not found")


@pytest.mark.parametrize("body, sentence", [
    ({"durable": True}, "durable: only with workspace"),
    ({"version": "x y"}, "version: must be a version or a range, such as 3, 3.11 or >=20"),
    ({"environment": {"1": ""}}, "environment: a name must match [A-Za-z_][A-Za-z0-9_]*"),
    ({"workspace": 1}, "workspace: must be true or false"),
    ({"ttl_seconds": 59}, "ttl_seconds: must be an integer from 60 to 604800"),
    ({"ttl_seconds": 604801}, "ttl_seconds: must be an integer from 60 to 604800"),
    ({"session_id": ""},
     "session_id: must be 1 to 128 characters of [A-Za-z0-9._:-], the first a letter or digit"),
    ({"session_id": "a/b"},
     "session_id: must be 1 to 128 characters of [A-Za-z0-9._:-], the first a letter or digit"),
], ids=str)
def test_a_wrong_body(server, key, body, sentence):
    answer = server.request("POST", SESSIONS, body, key=key)
    assert (answer.status, answer.detail) == (400, sentence)
    assert server.get(SESSIONS, key=key).json["items"] == []


def test_who_may_make_one(server):
    reader = server.key(scopes="read")
    assert server.request("POST", SESSIONS, {}, key=reader).status == 403
    assert server.request("PATCH", SESSIONS + "/x", {}, key=reader).status == 403
    assert server.request("POST", SESSIONS, {}, key=None).status == 401


def test_a_session_expires_and_its_records_stay(launch):
    """The clock of the database's rows is put back, because the shortest time to live is a minute."""
    server = launch(languages=["bash"])
    key = server.key()
    make(server, key, session_id="old", ttl_seconds=60)
    id_ = server.run(":", "bash", session_id="old", key=key)["execution_id"]
    server.stop()
    with contextlib.closing(sqlite3.connect(server.data_dir / "codecell.db")) as db:
        db.execute("update sessions set expires_ms = expires_ms - 61000, last_used_ms = last_used_ms - 61000")
        db.commit()
    server.start()
    assert server.get(SESSIONS + "/old", key=key).status == 404 and server.get(SESSIONS, key=key).json["items"] == []
    assert server.request("DELETE", SESSIONS + "/old", key=key).status == 404
    server.wait_event("sessions.expired", rows=1)
    record = server.get("/api/v1/executions/" + id_, key=key)
    assert (record.status, record.json["session_id"]) == (200, "old")
    assert [one["execution_id"] for one in server.executions(key=key, session_id="old")] == [id_]
    server.run(":", "bash", session_id="old", key=key)
    seen = session(server, key, "old")
    assert (seen["executions"], seen["expires_at"]) == (2, None)
