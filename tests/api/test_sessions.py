"""Sessions: made by their first execution, counted, listed, deleted together with what runs in them."""
import datetime
import subprocess

import pytest

from codecell import wait_for

FIELDS = {"session_id", "created_at", "last_used_at", "expires_at", "workspace", "executions", "total_execution_time"}


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
