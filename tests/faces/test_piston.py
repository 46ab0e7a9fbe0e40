"""Piston v2: golden pairs, its lists, what it shares with our own API, and its clients from npm."""
import json
import re

import pytest

import node
from golden import pair_name, read_pairs

HELLO = {"language": "python", "version": "*", "files": [{"content": "print('hello')"}]}


@pytest.mark.parametrize("pair", read_pairs("piston"), ids=pair_name)
def test_pair(faces, pair):
    faces.check(pair)


def piston(faces, body, path="/api/v2/execute", method="POST", **headers):
    """One request, with the key in its header."""
    return faces.ask({"method": method, "path": path, "headers": {"X-API-Key": "KEY", **headers},
                      **({"body": body} if body is not None else {})})


@pytest.mark.parametrize("prefix", ["/api/v2", "/api/v2/piston"])
def test_runtimes_and_packages_are_our_languages(faces, prefix):
    ours = faces.server.get("/api/v1/languages").json["languages"]
    lists = {name: faces.ask({"method": "GET", "path": f"{prefix}/{name}"}) for name in ("runtimes", "packages")}
    assert [answer.status for answer in lists.values()] == [200, 200]
    runtimes = [{name: runtime[name] for name in ("language", "version")} for runtime in lists["runtimes"].json]
    assert runtimes == [{"language": language["id"], "version": version}
                        for language in ours for version in language["versions"]]
    assert lists["packages"].json == [{"language": language["id"], "language_version": version, "installed": True}
                                      for language in ours for version in language["versions"]]
    assert {"python", "javascript", "bash", "c", "typescript"} <= {runtime["language"] for runtime in runtimes}


def test_aliases_are_those_of_each_version(faces):
    runtimes = faces.ask({"method": "GET", "path": "/api/v2/runtimes"}).json
    aliases = {runtime["version"].split("-")[0]: runtime["aliases"] for runtime in runtimes if runtime["language"] == "c"}
    assert "clang" in aliases["clang"] and "gcc" in aliases["clang"]
    assert "gcc" in aliases["14.2.0"] and "clang" not in aliases["14.2.0"]
    clang = piston(faces, {"language": "clang", "version": "*", "files": [{"content": "int main(void) { return 0; }"}]})
    assert clang.json["version"].startswith("clang-") and clang.json["run"]["code"] == 0


def test_every_version_that_is_told_runs(faces):
    for entry in faces.ask({"method": "GET", "path": "/api/v2/runtimes"}).json:
        if entry["language"] != "python":
            continue
        answer = piston(faces, {**HELLO, "version": entry["version"]})
        assert (answer.status, answer.json["run"]["stdout"]) == (200, "hello\n"), answer
        assert answer.json["version"] == entry["version"]


def with_file(size, encoding):
    """A program that tells the size of a file beside it."""
    content = {"hex": "00" * size, "base64": "AAAA" * (size // 3), "utf8": "0" * size}[encoding]
    return {"language": "python", "version": "*",
            "files": [{"content": "import os\nprint(os.stat('data').st_size)"},
                      {"name": "data", "content": content, "encoding": encoding}]}


@pytest.mark.parametrize("encoding", ["hex", "base64", "utf8"])
def test_large_files(faces, encoding):
    fits = piston(faces, with_file(3 << 20, encoding))
    assert (fits.status, fits.json["run"]["stdout"]) == (200, f"{3 << 20}\n"), fits.body[:300]
    large = piston(faces, with_file((10 << 20) + 2, encoding))
    assert (large.status, large.json) == (400, {"message": "files: must be at most 10485760 bytes in all"})


def test_a_run_has_a_record_of_our_own(faces):
    key = faces.server.key("recorded")
    answer = faces.ask({"method": "POST", "path": "/api/v2/execute", "headers": {"X-API-Key": key}, "body": HELLO})
    assert answer.status == 200
    records = faces.server.executions(key=key)
    assert [(record["language"], record["status"], record["exit_code"]) for record in records] == [
        ("python", "completed", 0)]


def test_a_rate_is_in_its_shape(faces):
    key = faces.server.key("slow", rate=1)
    pair = {"method": "POST", "path": "/api/v2/execute", "headers": {"X-API-Key": key}, "body": HELLO}
    assert faces.ask(pair).status == 200
    refused = faces.ask(pair)
    assert (refused.status, refused.json) == (429, {"message": "Rate limit exceeded. Please try again later."})
    assert int(refused.headers["retry-after"]) > 0


def test_a_full_queue_is_429(launch):
    server = launch({"CODECELL_FACES": "piston", "CODECELL_CONCURRENCY": 1, "CODECELL_QUEUE": 1})
    first = server.begin("exec sleep 60", "bash", timeout=60)
    server.wait_status("running")
    second = server.begin("true", "bash")
    server.wait_status("pending")
    refused = server.request("POST", "/api/v2/execute", HELLO)
    assert (refused.status, refused.header("Retry-After")) == (429, "1")
    assert list(refused.json) == ["message"]
    first.leave()
    assert second.answer().status == 200


def test_a_prefix_moves_it(launch):
    server = launch({"CODECELL_FACES": "piston=/piston"})
    moved = server.request("POST", "/piston/api/v2/execute", HELLO)
    assert (moved.status, moved.json["run"]["stdout"]) == (200, "hello\n")
    assert server.request("GET", "/piston/api/v2/nothing").json == {"message": "Not Found"}
    assert server.request("POST", "/api/v2/execute", HELLO).status == 404


# Its clients. They have no place for a key.

@pytest.fixture(scope="module")
def open_server():
    """A server whose Piston face lets requests without a key in."""
    from codecell import Server
    with Server({"CODECELL_FACES": "piston", "CODECELL_FACE_ANONYMOUS": "piston=anyone",
                 "CODECELL_FACE_ADDRESS_RATE": 1000}) as one:
        one.start()
        one.key("anyone")
        yield one


def script(npm, name, server, **variables):
    """What a script of tests/faces/clients/piston prints."""
    folder = npm("piston")
    printed = node.run(["node", f"{name}.mjs"], folder, SERVER=f"http://{server.address}", **variables)
    return json.loads(printed)


def stage_of(answer):
    run = answer["run"]
    return run["stdout"], run["stderr"], run["code"], run["signal"], run["status"]


def test_piston_client(npm, open_server):
    got = script(npm, "piston-client", open_server)
    assert got["runtimes"] == open_server.get("/api/v2/runtimes", key=None).json
    assert stage_of(got["hello"]) == ("hello\n", "", 0, None, None)
    assert re.fullmatch(r"3\.\d+\.\d+", got["hello"]["version"])
    assert stage_of(got["input"]) == ("['a'] in\n\n", "", 0, None, None)
    assert stage_of(got["files"]) == ("42\n", "", 0, None, None)
    assert stage_of(got["failed"]) == ("", "", 3, None, "RE")
    assert stage_of(got["late"]) == ("", "", None, "SIGKILL", "TO")
    assert got["compiled"]["compile"]["code"] == 1 and got["compiled"]["run"] == got["compiled"]["compile"]
    assert got["unknown"] == {"message": "nothing-1 runtime is unknown"}


def check_api_client(got, runtimes):
    assert got["runtimes"] == {"success": True, "data": runtimes}
    assert all(answer["success"] for answer in got.values())
    assert stage_of(got["hello"]["data"]) == ("hello\n", "", 0, None, None)
    assert got["hello"]["data"]["language"] == "python"
    assert stage_of(got["input"]["data"]) == ("['a'] in\n\n", "", 0, None, None)
    assert stage_of(got["failed"]["data"]) == ("", "", 3, None, "RE")
    assert got["unknown"]["data"] == {"message": "python-2.0.0 runtime is unknown"}


def test_piston_api_client(npm, open_server):
    got = script(npm, "piston-api-client", open_server)
    runtimes = open_server.get("/api/v2/runtimes", key=None).json
    assert list(got) == ["PistonClient", "NodePistonClient"]
    for results in got.values():
        check_api_client(results, runtimes)


def test_piston_api_client_with_a_key(npm, faces):
    got = script(npm, "piston-api-client", faces.server, KEY=faces.key)
    check_api_client(got["PistonClient"], faces.server.get("/api/v2/runtimes", key=None).json)


def test_a_page_of_another_server_is_refused(open_server):
    refused = open_server.request("POST", "/api/v2/execute", HELLO, key=None, headers={"Origin": "http://evil.example"})
    assert refused.status == 403
    assert list(refused.json) == ["message"]
