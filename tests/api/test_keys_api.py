"""Keys over HTTP: made, listed, changed and revoked by a key with the scope admin."""
import datetime
import json
import re
import subprocess

import pytest

from codecell import in_parallel, wait_for

FIELDS = ["key_id", "name", "scopes", "rate_per_minute", "credits", "max_timeout", "reuse", "face", "created_at",
          "expires_at", "revoked_at"]
RUN = {"code": "echo hi", "language": "bash"}
KEYS = "/api/v1/keys"


@pytest.fixture(scope="module")
def admin(server):
    done = server.cli("key", "create", "--name", "root", "--admin")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def make(server, admin):
    """make(FIELDS): a new key's object."""
    def made(**fields):
        answer = server.request("POST", KEYS, {"name": "made", "rate_per_minute": 1000000, **fields}, key=admin)
        assert answer.status == 201, answer
        return answer.json
    return made


def patch(server, admin, made, **fields):
    return server.request("PATCH", f"{KEYS}/{made['key_id']}", fields, key=admin)


def status_of(server, key, body=RUN):
    return server.post(body, key=key).status


def test_the_command_makes_the_first_admin(server, admin):
    assert server.get(KEYS, key=admin).status == 200
    assert status_of(server, admin) == 200 and server.get("/api/v1/executions", key=admin).status == 200
    row = next(line for line in server.cli("key", "list").stdout.splitlines() if admin[3:11] in line)
    assert "execute,read,admin" in row
    done = server.cli("key", "create", "--name", "n", "--admin", "--scopes", "read")
    assert (done.returncode, done.stdout) == (2, "") and "--admin" in done.stderr


def test_a_new_key(server, admin):
    answer = server.request("POST", KEYS, {"name": "Zoë"}, key=admin)
    made = answer.json
    assert answer.status == 201 and list(made) == [*FIELDS, "warnings", "key"]
    assert re.fullmatch(r"cc_[0-9A-Za-z]{40}", made["key"]) and made["key"][3:11] == made["key_id"]
    assert answer.header("Location") == f"{KEYS}/{made['key_id']}" and answer.header("Cache-Control") == "no-store"
    assert (made["name"], made["scopes"], made["rate_per_minute"]) == ("Zoë", ["execute", "read"], 100)
    assert all(made[name] is None for name in ("credits", "max_timeout", "reuse", "face", "expires_at", "revoked_at"))
    assert status_of(server, made["key"]) == 200
    assert server.get(KEYS, key=made["key"]).status == 403
    assert made["key"] not in server.log and made["key"][11:] not in server.log
    assert server.wait_event("key.created", key=made["key_id"])["by"] == admin[3:11]


def test_the_secret_is_shown_once(server, admin, make):
    made = make()
    for answer in (server.get(f"{KEYS}/{made['key_id']}", key=admin), server.get(KEYS, key=admin),
                   patch(server, admin, made, name="other")):
        assert answer.status == 200 and made["key"][11:].encode() not in answer.body
    assert list(server.get(f"{KEYS}/{made['key_id']}", key=admin).json) == FIELDS


def test_all_that_a_key_may_have(server, admin, make):
    made = make(scopes=["execute"], rate_per_minute=7, credits=3, max_timeout=5, expires_at="2099-01-02T03:04:05Z",
                reuse="key")
    seen = server.get(f"{KEYS}/{made['key_id']}", key=admin).json
    assert {name: made[name] for name in FIELDS} == seen
    assert (seen["scopes"], seen["rate_per_minute"], seen["credits"], seen["max_timeout"], seen["expires_at"],
            seen["reuse"]) == (["execute"], 7, 3, 5, "2099-01-02T03:04:05.000Z", "key")
    assert server.get("/api/v1/executions", key=made["key"]).status == 403
    answer = server.post({**RUN, "timeout": 6}, key=made["key"])
    assert (answer.status, answer.detail) == (400, "timeout: must be an integer from 1 to 5")
    assert answer.header("X-RateLimit-Limit") == "7"


def test_a_change_counts_at_once(server, admin, make):
    made = make()
    connection = server.connection()
    assert server.get("/api/v1/executions", key=made["key"], connection=connection).status == 200
    changed = patch(server, admin, made, scopes=["execute"], rate_per_minute=3, name="new")
    assert changed.status == 200 and list(changed.json) == [*FIELDS, "warnings"]
    assert server.get("/api/v1/executions", key=made["key"], connection=connection).status == 403
    assert server.post(RUN, key=made["key"], connection=connection).header("X-RateLimit-Limit") == "3"
    connection.close()


def test_null_takes_back(server, admin, make):
    made = make(credits=1, max_timeout=5, expires_at="2099-01-01T00:00:00Z", reuse="off")
    seen = patch(server, admin, made, credits=None, max_timeout=None, expires_at=None, reuse=None, name=None).json
    assert all(seen[name] is None for name in ("credits", "max_timeout", "expires_at", "reuse"))
    assert seen["name"] == "made"


def test_credits(server, admin, make):
    made = make(credits=2)
    assert [status_of(server, made["key"]) for _ in range(3)] == [200, 200, 402]
    assert patch(server, admin, made, credits={"add": 2}).json["credits"] == 2
    assert status_of(server, made["key"]) == 200
    assert patch(server, admin, made, credits={"add": -1}).json["credits"] == 0
    assert status_of(server, made["key"]) == 402
    answer = patch(server, admin, made, credits={"add": -1})
    assert answer.status == 409 and answer.detail.startswith("credits: the key has 0")
    assert patch(server, admin, made, credits=None).json["credits"] is None
    assert status_of(server, made["key"]) == 200
    assert patch(server, admin, made, credits={"add": 1}).status == 409


def test_credits_that_are_added_side_by_side_are_all_there(server, admin, make):
    made = make(credits=0)
    answers = in_parallel([lambda: patch(server, admin, made, credits={"add": 3}) for _ in range(20)])
    assert all(answer.status == 200 for answer in answers)
    assert server.get(f"{KEYS}/{made['key_id']}", key=admin).json["credits"] == 60


def test_revoking(server, admin, make):
    made = make()
    connection = server.connection()
    assert server.get("/api/v1/executions", key=made["key"], connection=connection).status == 200
    answer = server.request("DELETE", f"{KEYS}/{made['key_id']}", key=admin)
    assert (answer.status, answer.json) == (200, {"message": f"Key {made['key_id']} revoked"})
    assert server.get("/api/v1/executions", key=made["key"], connection=connection).status == 401
    connection.close()
    seen = server.get(f"{KEYS}/{made['key_id']}", key=admin).json
    assert seen["revoked_at"] is not None
    assert server.request("DELETE", f"{KEYS}/{made['key_id']}", key=admin).status == 200
    assert server.get(f"{KEYS}/{made['key_id']}", key=admin).json["revoked_at"] == seen["revoked_at"]
    assert patch(server, admin, made, name="x").status == 409


def test_an_expiry(server, admin, make):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=10)
    made = make(expires_at=soon.isoformat())
    wait_for("the key's end", lambda: server.get("/api/v1/executions", key=made["key"]).status == 401)
    assert patch(server, admin, made, expires_at=None).status == 200
    assert server.get("/api/v1/executions", key=made["key"]).status == 200


def test_the_list_in_pages(server, admin, make):
    made = [make(name=f"page {i}")["key_id"] for i in range(5)]
    seen, cursor = [], ""
    while cursor is not None and len(seen) < 5:
        page = server.get(f"{KEYS}?limit=2{cursor and '&cursor=' + cursor}", key=admin).json
        assert set(page) == {"items", "next_cursor"} and all(list(item) == FIELDS for item in page["items"])
        seen += [item["key_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen[:5] == made[::-1]
    cursor = server.get(f"{KEYS}?limit=1", key=admin).json["next_cursor"]
    assert server.get(f"{KEYS}?cursor={cursor}", key=admin).status == 200
    other = server.key(scopes="read,admin")
    assert server.get(f"{KEYS}?cursor={cursor}", key=other).status == 400, "a cursor is one key's"
    assert server.get(f"/api/v1/executions?cursor={cursor}", key=admin).status == 400, "and one list's"


@pytest.mark.parametrize("method, path", [("GET", ""), ("POST", ""), ("GET", "/x"), ("PATCH", "/x"), ("DELETE", "/x")])
def test_others_may_not(server, key, method, path):
    answer = server.request(method, KEYS + path, {} if method in ("POST", "PATCH") else None, key=key)
    assert (answer.status, answer.detail) == (403, "This key may not manage keys")
    assert server.request(method, KEYS + path, key=None).status == 401


@pytest.mark.parametrize("body, sentence", [
    ({}, "name: is required"),
    ({"name": "x" * 101}, "name: must be 1 to 100 bytes of UTF-8 without control characters"),
    ({"name": "a\x07"}, "name: must be 1 to 100 bytes of UTF-8 without control characters"),
    ({"name": "n", "scopes": ["root"]}, "scopes: must be an array of execute, read and admin"),
    ({"name": "n", "rate_per_minute": 1000001}, "rate_per_minute: must be an integer from 1 to 1000000"),
    ({"name": "n", "credits": -1},
     'credits: must be an integer from 0 to 1000000000000, {"add": integer} or null'),
    ({"name": "n", "credits": {"add": 1}}, "credits: a new key has none to which something can be added"),
    ({"name": "n", "max_timeout": 301}, "max_timeout: must be an integer from 1 to 300"),
    ({"name": "n", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at: must be in the future"),
    ({"name": "n", "reuse": "on"}, 'reuse: must be "off", "key" or "any"'),
    ([], "the body must be a JSON object"),
], ids=str)
def test_a_wrong_body(server, admin, body, sentence):
    before = server.database("select count(*) from keys")
    answer = server.request("POST", KEYS, body, key=admin)
    assert (answer.status, answer.detail) == (400, sentence)
    assert server.database("select count(*) from keys") == before


def test_other_bodies(server, admin):
    assert server.request("POST", KEYS, b'{"name": "n"', key=admin).status == 400
    assert server.request("POST", KEYS, b'{"name": "n", "name": "m"}', key=admin).status == 400
    answer = server.request("POST", KEYS, b"name=n", key=admin,
                            headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (answer.status, answer.detail) == (415, "Content-Type must be application/json")
    assert server.request("POST", KEYS, b'{"name": "' + b"n" * 70000 + b'"}', key=admin).status == 413
    answer = server.request("PUT", KEYS + "/x", {}, key=admin)
    assert (answer.status, answer.header("Allow")) == (405, "GET, HEAD, PATCH, DELETE, OPTIONS")


def test_unknown_keys(server, admin):
    for method in ("GET", "PATCH", "DELETE"):
        for id_ in ("nobody00", "x", "a" * 200, "%00"):
            answer = server.request(method, f"{KEYS}/{id_}", {} if method == "PATCH" else None, key=admin)
            assert answer.status in (404, 400), answer


def test_managing_does_not_count_against_the_rate(server):
    key = server.key(rate=2, scopes="execute,read,admin")
    for _ in range(20):
        answer = server.get(KEYS, key=key)
        assert (answer.status, answer.header("X-RateLimit-Remaining")) == (200, "2")


def test_with_curl(server, admin):
    done = subprocess.run(["curl", "-sS", "-X", "POST", f"http://{server.address}{KEYS}", "-H", f"X-API-Key: {admin}",
                           "-H", "Content-Type: application/json", "-d", '{"name": "by curl"}', "-w", "\n%{http_code}"],
                          capture_output=True, text=True, check=True)
    body, code = done.stdout.rsplit("\n", 1)
    assert code == "201" and json.loads(body)["name"] == "by curl"
