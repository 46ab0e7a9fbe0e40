"""CODECELL_PLAYGROUND: whether there is the page, and what it may do for people without a key. tests/page uses the page itself."""
import pytest

from socket_client import SocketClient

SETTINGS = {"CODECELL_PLAYGROUND": "open", "CODECELL_FACE_ADDRESS_RATE": 1000, "CODECELL_CORS": "https://friend.example"}
EVIL, FRIEND = "https://evil.example", "https://friend.example"
RUN = {"code": "echo hi", "language": "bash"}


def own(server):
    return {"Origin": f"http://{server.address}"}


def run_openly(server, headers=None, **fields):
    return server.post({**RUN, **fields}, key=None, headers={**own(server), **(headers or {})})


def connect(server, origin, *messages):
    """The handshake's status, and the last message and the close code."""
    one = SocketClient(server, headers={"Origin": origin})
    if one.status != 101:
        return one.status, None, None
    for message in messages:
        one.send(**message)
    told, code = one.rest()
    one.socket.close()
    return one.status, told[-1], code


def test_the_page_runs_without_a_key(server):
    answer = run_openly(server)
    assert answer.status == 200 and answer.json["stdout"] == "hi\n"
    assert answer.header("X-RateLimit-Limit") == "100"  # of the key `playground`
    streamed = run_openly(server, stream=True)
    assert streamed.status == 200 and b"event: result" in streamed.body


def test_it_may_run_and_nothing_else(server):
    refused = run_openly(server, session_id="mine")
    assert (refused.status, refused.json["detail"]) == (403, "session_id: needs a key")
    refused = run_openly(server, headers={"Idempotency-Key": "a"})
    assert (refused.status, refused.json["detail"]) == (403, "Idempotency-Key: needs a key")
    for method, path in [("POST", "/api/v1/execute/async"), ("POST", "/api/v1/execute/batch"), ("POST", "/api/v1/sessions"),
                         ("GET", "/api/v1/executions"), ("GET", "/api/v1/sessions"), ("GET", "/api/v1/usage"),
                         ("GET", "/api/v1/keys"), ("PUT", "/api/v1/sessions/s/files/a"),
                         ("DELETE", "/api/v1/execute/session/s")]:
        body = RUN if method == "POST" else None
        answer = server.request(method, path, body, key=None, headers=own(server))
        assert (answer.status, answer.json["detail"]) == (401, "API key is required"), path


def test_only_the_page_comes_without_a_key(server):
    assert server.post(RUN, key=None).status == 401  # other programs send no Origin
    for origin in (EVIL, FRIEND, "null"):
        answer = server.post(RUN, key=None, headers={"Origin": origin})
        assert (answer.status, answer.json["detail"]) == (403, "Requests of pages of other servers need a key"), origin
    assert server.post(RUN, headers={"Origin": FRIEND}).status == 200
    assert server.post(RUN, key="cc_wrong", headers=own(server)).status == 401


def test_a_terminal_without_a_key(server):
    start, none = {"type": "start", **RUN}, {"type": "key", "key": None}
    status, last, code = connect(server, own(server)["Origin"], none, start)
    assert (status, last["type"], last["exit_code"], code) == (101, "result", 0, 1000)
    refused = {"type": "error", "status": 401, "detail": "API key is required"}
    assert connect(server, FRIEND, none) == (101, refused, 1008)
    assert connect(server, own(server)["Origin"], start) == (101, refused, 1008)
    assert connect(server, EVIL) == (403, None, None)
    status, last, _ = connect(server, own(server)["Origin"], none, {**start, "session_id": "mine"})
    assert (last["status"], last["detail"]) == (403, "session_id: needs a key")


def test_nothing_is_left_for_the_next(server):
    assert run_openly(server, code="echo a > /tmp/left; echo $$").status == 200
    assert run_openly(server, code="ls /tmp/left").json["exit_code"] != 0
    [record] = server.database("SELECT count(*) FROM keys WHERE name = 'playground' AND scopes = 1")
    assert record[0] == 1


def test_an_address_has_a_rate_and_a_revoked_key_closes_the_page(launch):
    one = launch({"CODECELL_PLAYGROUND": "open", "CODECELL_FACE_ADDRESS_RATE": 2})
    assert run_openly(one).status == 200
    [row] = one.database("SELECT id FROM keys WHERE name = 'playground'")
    one.cli("key", "revoke", row[0])
    assert run_openly(one).status == 401
    answer = run_openly(one)
    assert answer.status == 429 and int(answer.header("Retry-After")) > 0
    assert one.post(RUN, headers=own(one)).status == 200


@pytest.mark.parametrize("setting, page, sentence", [
    ("off", 404, "The playground is switched off on this server"), ("key", 200, None)])
def test_other_settings(launch, setting, page, sentence):
    one = launch({"CODECELL_PLAYGROUND": setting})
    for path in ("/", "/?embed=1"):
        answer = one.get(path, key=None)
        assert answer.status == page and (sentence is None or answer.json == {"detail": sentence})
    assert one.get("/docs", key=None).status == 200
    assert run_openly(one).status == 401
    none = {"type": "key", "key": None}
    assert connect(one, own(one)["Origin"], none)[1]["detail"] == "API key is required"
