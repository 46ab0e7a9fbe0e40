"""Pages of other origins (CORS): what a browser is told, before a request and with each answer."""
import subprocess

import pytest

SETTINGS = {"CODECELL_CORS": "https://app.example, http://localhost:3000", "CODECELL_FACES": "all",
            "CODECELL_FACE_ANONYMOUS": "piston=guests,mcp=guests"}
APP, EVIL = "https://app.example", "https://evil.example"
RUN = {"code": "echo hi", "language": "bash"}


def names(answer, name):
    return {each.strip().lower() for line in answer.headers.get(name.lower(), []) for each in line.split(",")}


def preflight(server, path, method, origin=APP, headers="content-type,x-api-key"):
    return server.request("OPTIONS", path, key=None, headers={
        "Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers})


def cors_of(answer):
    return {name: answer.header(name) for name in answer.headers if name.startswith("access-control-")}


@pytest.mark.parametrize("path, method, methods", [
    ("/api/v1/execute", "POST", "POST, OPTIONS"),
    ("/api/v1/execute/", "POST", "POST, OPTIONS"),
    ("/api/v1/executions/x", "DELETE", "GET, HEAD, DELETE, OPTIONS"),
    ("/api/v1/keys/x", "PATCH", "GET, HEAD, PATCH, DELETE, OPTIONS"),
    ("/api/v1/languages", "GET", "GET, HEAD, OPTIONS"),
    ("/api/v2/execute", "POST", "POST, OPTIONS"),
    ("/mcp", "POST", "POST, OPTIONS"),
])
def test_a_preflight_says_the_routes_own_methods(server, path, method, methods):
    answer = preflight(server, path, method)
    assert answer.status == 204 and answer.body == b"" and "origin" in names(answer, "Vary")
    assert cors_of(answer) == {"access-control-allow-origin": APP, "access-control-allow-methods": methods,
                               "access-control-allow-headers": "content-type,x-api-key",
                               "access-control-max-age": "600"}


def test_a_preflight_of_another_origin_allows_nothing(server):
    for origin in (EVIL, "null", "https://app.example.evil", APP + ":8443", "http://app.example"):
        answer = preflight(server, "/api/v1/execute", "POST", origin)
        assert answer.status == 204 and cors_of(answer) == {} and "origin" in names(answer, "Vary")
    assert cors_of(preflight(server, "/api/v1/nowhere", "POST")).keys().isdisjoint({"access-control-allow-methods"})


def test_each_answer_may_be_read(server):
    """Also errors, wherever they come from, and answers of faces."""
    sent = {"Origin": APP}
    answers = [server.post(RUN, headers=sent), server.post({}, headers=sent), server.post(RUN, key=None, headers=sent),
               server.post(b"{", headers=sent), server.get("/nowhere", headers=sent),
               server.request("PUT", "/api/v1/execute", b"", headers=sent),
               server.get("/api/v1/languages", key=None, headers=sent), server.get("/health", headers=sent),
               server.get("/api/v2/runtimes", key=None, headers=sent)]
    assert [answer.status for answer in answers][:6] == [200, 400, 401, 400, 404, 405]
    for answer in answers:
        assert cors_of(answer) == {"access-control-allow-origin": APP, "access-control-expose-headers": "*"}, answer


def test_other_origins_get_no_word_of_it(server):
    for headers in ({"Origin": EVIL}, {}):
        answer = server.post(RUN, headers=headers)
        assert answer.status == 200 and cors_of(answer) == {} and "origin" in names(answer, "Vary")


def test_credentials_are_never_allowed(server):
    for answer in (preflight(server, "/api/v1/execute", "POST"), server.post(RUN, headers={"Origin": APP})):
        assert not answer.header("Access-Control-Allow-Credentials")


def test_an_allowed_page_may_use_mcp(server, key):
    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"Accept": "application/json, text/event-stream"}
    assert server.request("POST", "/mcp", ask, key=key, headers={**headers, "Origin": APP}).status == 200
    assert server.request("POST", "/mcp", ask, key=key, headers={**headers, "Origin": EVIL}).status == 403


def test_what_needs_no_key_stays_closed_to_pages(server):
    server.key(name="guests")
    program = {"language": "bash", "version": "*", "files": [{"content": "echo hi"}]}
    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    for path, body in (("/api/v2/execute", program), ("/mcp", ask)):
        headers = {"Accept": "application/json, text/event-stream"}
        assert server.request("POST", path, body, key=None, headers=headers).status == 200
        answer = server.request("POST", path, body, key=None, headers={**headers, "Origin": APP})
        assert answer.status == 403 and answer.header("Access-Control-Allow-Origin") == APP


def test_without_the_setting_nothing_is_said(launch):
    server = launch(languages=[])
    for answer in (preflight(server, "/api/v1/execute", "POST"), server.get("/health", headers={"Origin": APP})):
        assert cors_of(answer) == {} and "origin" not in names(answer, "Vary")
    assert preflight(server, "/api/v1/execute", "POST").header("Allow") == "POST, OPTIONS"


def test_every_origin(launch):
    server = launch({"CODECELL_CORS": "*"}, languages=[])
    for headers in ({"Origin": EVIL}, {"Origin": "null"}, {}):
        answer = server.get("/health", headers=headers)
        assert answer.header("Access-Control-Allow-Origin") == "*" and "origin" not in names(answer, "Vary")
    assert cors_of(preflight(server, "/api/v1/execute", "POST", EVIL))["access-control-allow-methods"] == \
        "POST, OPTIONS"


def test_a_wrong_setting_ends_the_start(server):
    done = server.cli("config", CODECELL_CORS="app.example")
    assert done.returncode == 2 and done.stderr.startswith("codecell: CODECELL_CORS: must be origins such as ")


def test_with_curl(server):
    """Names that a browser would ask for are given back as they came; what no header is called is not."""
    url = f"http://{server.address}/api/v1/execute"
    ask = ["curl", "-sS", "-i", "-X", "OPTIONS", url, "-H", f"Origin: {APP}", "-H",
           "Access-Control-Request-Method: POST", "-H"]
    for asked, given in (("authorization, idempotency-key", True), ('a"b', False)):
        done = subprocess.run([*ask, f"Access-Control-Request-Headers: {asked}"], capture_output=True, text=True,
                              check=True)
        assert done.stdout.startswith("HTTP/1.1 204 ")
        assert (f"Access-Control-Allow-Headers: {asked}\n" in done.stdout) == given
