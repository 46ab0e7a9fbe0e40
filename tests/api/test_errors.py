"""The table of errors, one by one, and the order in which a request is checked."""
import json
import select

import pytest

from codecell import wait_for

RUN = {"code": "print(1)", "language": "python"}


def test_no_key(server):
    answer = server.post(RUN, key=None)
    assert (answer.status, answer.detail) == (401, "API key is required")
    assert answer.header("WWW-Authenticate") == "ApiKey"


@pytest.mark.parametrize("key", ["x", "cc_", "cc_" + "a" * 40, "cc_" + "a" * 39, "cc_" + "a" * 41, "x" * 5000,
                                 "cc_" + "a" * 39 + "'", "\xff\xfe", "cc_%00"])
def test_wrong_key(server, key):
    answer = server.post(RUN, key=key)
    assert (answer.status, answer.detail) == (401, "Invalid API key")
    assert answer.header("WWW-Authenticate") == "ApiKey"


@pytest.mark.parametrize("change", [lambda k: k[:-1] + ("a" if k[-1] != "a" else "b"), lambda k: k + "a",
                                    lambda k: k[:-1], str.swapcase, lambda k: k[:11] + "a" * 32, lambda k: k + " x"])
def test_a_key_that_is_nearly_right(server, key, change):
    assert server.post(RUN, key=change(key)).status == 401


@pytest.mark.parametrize("value", ["Bearer x", "Basic Y2M6eA==", "Bearer", "x"])
def test_wrong_authorization(server, value):
    answer = server.post(RUN, key=None, headers={"Authorization": value})
    assert answer.status == 401 and answer.detail in ("API key is required", "Invalid API key")


def test_an_empty_key_is_none(server):
    assert server.post(RUN, key="").detail == "API key is required"


@pytest.mark.parametrize("method,path", [
    ("POST", "/api/v1/execute"), ("GET", "/api/v1/executions"), ("GET", "/api/v1/executions/x"),
    ("GET", "/api/v1/sessions"), ("GET", "/api/v1/sessions/x"), ("DELETE", "/api/v1/sessions/x"),
    ("GET", "/api/v1/sessions/x/executions"),
    ("DELETE", "/api/v1/execute/session/x"), ("DELETE", "/api/v1/executions/x"), ("POST", "/api/v1/execute/batch"),
    ("POST", "/api/v1/execute/async"), ("GET", "/api/v1/execute/status/x"),
])
def test_everything_of_a_key_wants_a_key(server, method, path):
    answer = server.request(method, path, key=None)
    assert (answer.status, answer.detail) == (401, "API key is required")


def test_a_key_without_the_right(server):
    reader, runner = server.key(scopes="read"), server.key(scopes="execute")
    answer = server.post(RUN, key=reader)
    assert answer.status == 403 and answer.detail.startswith("This key may not "), answer
    for path in ("/api/v1/execute/batch", "/api/v1/execute/async"):
        assert server.request("POST", path, [RUN], key=reader).status == 403
    for method, path in (("GET", "/api/v1/executions"), ("GET", "/api/v1/sessions"), ("GET", "/api/v1/sessions/x"),
                         ("GET", "/api/v1/execute/status/x")):
        answer = server.request(method, path, key=runner)
        assert answer.status == 403 and answer.detail.startswith("This key may not "), answer
    assert server.post(RUN, key=runner).status == 200
    assert server.get("/api/v1/executions", key=reader).status == 200


@pytest.mark.parametrize("path", ["/nothing", "/api", "/api/v1", "/api/v3/execute", "/api/v1/execute/x/y", "//",
                                  "/api/v1/EXECUTE", "/api/v1//execute", "/..", "/%2e%2e/etc/passwd", "/healthx",
                                  "/api/v1/execute%00", "/api/v1/languages/python/x"])
def test_no_such_path(server, path):
    for key in (None, server.any_key):
        answer = server.get(path, key=key)
        assert answer.status in (400, 404) and answer.detail, answer
        assert answer.status == 404 or "%00" in path, answer


@pytest.mark.parametrize("method,path,allowed", [
    ("GET", "/api/v1/execute", {"POST"}), ("PUT", "/api/v1/execute", {"POST"}), ("DELETE", "/api/v1/execute", {"POST"}),
    ("HEAD", "/api/v1/execute", {"POST"}), ("POST", "/health", {"GET", "HEAD"}), ("POST", "/metrics", {"GET", "HEAD"}),
    ("POST", "/api/v1/languages", {"GET", "HEAD"}), ("PUT", "/api/v1/sessions/x", {"GET", "HEAD", "PATCH", "DELETE"}),
    ("PUT", "/api/v1/executions", {"GET", "HEAD"}), ("DELETE", "/ready", {"GET", "HEAD"}),
    ("GET", "/api/v1/execute/batch", {"POST"}), ("PUT", "/api/v1/execute/async", {"POST"}),
    ("POST", "/api/v1/execute/status/x", {"GET", "HEAD"}),
])
def test_a_method_that_is_not_allowed(server, method, path, allowed):
    answer = server.request(method, path, key=None)
    assert answer.status == 405, answer
    assert allowed <= {word.strip() for word in answer.header("Allow").split(",")}
    assert method == "HEAD" or answer.detail


def test_options_names_the_methods(server):
    answer = server.request("OPTIONS", "/api/v1/execute", key=None)
    assert answer.status in (200, 204, 405) and "POST" in answer.header("Allow"), answer


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx",
                                  "application/json-patch+json", "", "json", "multipart/form-data; boundary=x",
                                  "text/plain; application/json"])
def test_another_content_type(server, kind):
    answer = server.post(json.dumps(RUN).encode(), headers={"Content-Type": kind})
    assert answer.status == 415 and "application/json" in answer.detail, answer


def test_no_content_type(server):
    body = json.dumps(RUN)
    with server.wire() as wire:
        wire.send(f"POST /api/v1/execute HTTP/1.1\r\nHost: x\r\nX-API-Key: {server.any_key}\r\n"
                  f"Content-Length: {len(body)}\r\n\r\n{body}")
        assert wire.answer().status == 415


def head(server, key, length):
    return (f"POST /api/v1/execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            + (f"X-API-Key: {key}\r\n" if key else "") + f"Content-Length: {length}\r\n\r\n")


def test_too_long_a_body_is_refused_from_its_length(server):
    with server.wire() as wire:
        answer = wire.send(head(server, server.any_key, 64 * 1024 * 1024 + 1)).answer()
        assert answer.status == 413 and answer.detail, answer
        assert answer.header("Connection") == "close"
        wire.ended()


def test_too_long_a_chunked_body(launch):
    server = launch({"CODECELL_MAX_BODY": "64k"}, languages=[])
    with server.wire() as wire:
        wire.send("POST /api/v1/execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  f"X-API-Key: {server.any_key}\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(80):
            wire.send("400\r\n" + " " * 1024 + "\r\n")
        answer = wire.answer()
        assert answer.status == 413 and answer.header("Connection") == "close", answer
        wire.ended()


def test_too_many_bytes_of_bodies_at_once_are_503(launch):
    server = launch({"CODECELL_MAX_BODIES": "2m", "CODECELL_POOL": "*=0"}, languages=["bash"])
    first = server.begin("sleep 300", "bash", stdin="x" * 500_000)
    server.wait_status("running")
    answer = server.execute("echo 1", "bash", stdin="x" * 600_000)
    assert answer.status == 503 and answer.detail and int(answer.header("Retry-After")) >= 1, answer
    assert server.output("echo small", "bash") == "small\n"
    first.leave()
    server.wait_status("cancelled")
    assert server.output("wc -c", "bash", stdin="x" * 600_000) == "600000\n"


def test_bodies_half_sent_by_one_key_do_not_shut_others_out(launch):
    server = launch({"CODECELL_MAX_BODIES": "8m", "CODECELL_POOL": "*=0"}, languages=["bash"])
    many, few = server.key(), server.key()
    wires = [server.wire() for _ in range(30)]
    for wire in wires:
        wire.send(head(server, many, 1_000_000) + " " * 500_000)
    answered = wait_for("an answer", lambda: select.select([wire.socket for wire in wires], [], [], 0)[0])
    refused = next(wire for wire in wires if wire.socket is answered[0]).answer()
    assert refused.status == 503 and refused.detail and int(refused.header("Retry-After")) >= 1, refused
    assert server.output("echo small", "bash", key=few) == "small\n"
    assert server.output("wc -c", "bash", key=few, stdin="x" * 1_000_000) == "1000000\n"
    for wire in wires:
        wire.socket.close()


def test_order_route_before_key(server):
    assert server.request("POST", "/nothing", RUN, key=None).status == 404
    assert server.request("GET", "/api/v1/execute", key=None).status == 405


def test_order_framing_before_route(server):
    with server.wire() as wire:
        wire.send("POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert wire.answer().status == 400
        wire.ended()


def test_order_key_before_body(server):
    assert server.post(b"{", key=None).status == 401
    assert server.post(b"{", key="x", headers={"Content-Type": "text/plain"}).status == 401
    with server.wire() as wire:
        answer = wire.send(head(server, None, 64 * 1024 * 1024 + 1)).answer()
        assert answer.status == 401
        wire.ended()


def test_order_right_before_body(server):
    assert server.post(b"{", key=server.key(scopes="read")).status == 403


def test_order_rate_before_body(server):
    key = server.key(rate=1)
    assert server.post(b"{", key=key).status == 400
    assert server.post(b"{", key=key).status == 429
    assert server.post(b"{", key=key, headers={"Content-Type": "text/plain"}).status == 429


def test_order_type_and_body_before_language(server):
    body = json.dumps({**RUN, "language": "invalid"}).encode()
    assert server.post(body, headers={"Content-Type": "text/plain"}).status == 415
    assert server.post(body[:-1]).status == 400
    both = server.post({**RUN, "language": "invalid", "timeout": 0})
    assert both.detail == "timeout: must be an integer from 1 to 300"


def test_a_request_refused_before_its_body_closes_the_connection(server):
    with server.wire() as wire:
        answer = wire.send(head(server, "x", 100)).answer()
        assert (answer.status, answer.header("Connection")) == (401, "close")
        wire.ended()


def test_every_answer_has_a_request_id_of_its_own(server):
    ids = [server.get(path, key=None).header("X-Request-Id") for path in ("/health", "/nothing", "/api/v1/sessions")]
    with server.wire() as wire:
        ids.append(wire.send("nonsense\r\n\r\n").answer().header("X-Request-Id"))
    assert None not in ids and len(set(ids)) == 4


@pytest.mark.parametrize("path", ["/api/v1/executions/x", "/api/v1/executions/00000000-0000-4000-8000-000000000000",
                                  "/api/v1/sessions/nobody", "/api/v1/sessions/nobody/executions",
                                  "/api/v1/executions/%00", "/api/v1/sessions/%2e%2e", "/api/v1/sessions/" + "a" * 500,
                                  "/api/v1/executions/%F0%28", "/api/v1/sessions/a%20b"])
def test_ids_of_nothing_and_of_the_wrong_form(server, path):
    answer = server.get(path)
    assert answer.status in (400, 404) and answer.detail, answer
    if "%" not in path:
        assert answer.status == 404
