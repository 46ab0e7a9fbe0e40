"""Answers in gzip: curl and Node's fetch read the same bytes with it and without it, and both save."""
import gzip
import json
import shutil
import subprocess

import pytest

from codecell import in_parallel

SETTINGS = {"CODECELL_CORS": "https://app.example"}
GZIP = {"Accept-Encoding": "gzip"}


def lines(count):
    return {"code": f"for i in range({count}): print('line', i)", "language": "python"}


def expected(count):
    return "".join(f"line {i}\n" for i in range(count))


def varies(answer):
    return any("accept-encoding" in line.lower() for line in answer.headers.get("vary", []))


def test_large_answers_are_packed_and_small_ones_are_not(server, key):
    answer = server.post(lines(5000), key=key, headers=GZIP)
    assert (answer.status, answer.header("Content-Encoding"), varies(answer)) == (200, "gzip", True)
    assert int(answer.header("Content-Length")) == len(answer.body)
    plain = gzip.decompress(answer.body)
    assert json.loads(plain)["stdout"] == expected(5000) and len(answer.body) < len(plain) / 3
    answer = server.post(lines(1), key=key, headers=GZIP)
    assert answer.header("Content-Encoding") is None and answer.json["stdout"] == "line 0\n"


@pytest.mark.parametrize("accept, packed", [
    ("gzip", True), ("gzip;q=0.5", True), ("br, x-gzip", True), ("*", True), ("deflate, *;q=0.1", True),
    ("gzip;q=0", False), ("identity", False), ("br, deflate", False), ("gzip;q=0.4, identity;q=0.8", False),
    ("*, gzip;q=0", False), ("", False), (None, False),
])
def test_who_asks_for_it(server, key, accept, packed):
    """A list without gzip that has q values is read to the letter."""
    body = json.dumps(lines(500)).encode()
    head = [b"POST /api/v1/execute HTTP/1.1", b"Host: x", b"X-API-Key: " + key.encode(),
            b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    if accept is not None:
        head.append(b"Accept-Encoding: " + accept.encode())
    with server.wire() as wire:
        wire.send(b"\r\n".join(head) + b"\r\n\r\n" + body)
        answer = wire.answer()
    assert answer.status == 200 and varies(answer)
    assert answer.header("Content-Encoding") == ("gzip" if packed else None)
    text = gzip.decompress(answer.body) if packed else answer.body
    assert json.loads(text)["stdout"] == expected(500)


def test_a_very_large_answer(server, key):
    """It is packed beside the loop, and another client's short program does not wait for it."""
    large = {**lines(400000), "limits": {"output_kb": 16384}}
    with_it, without, short = in_parallel([
        lambda: server.post(large, key=key, headers=GZIP), lambda: server.post(large, key=key),
        lambda: server.run("echo hi", "bash")])
    assert json.loads(gzip.decompress(with_it.body))["stdout"] == without.json["stdout"] == expected(400000)
    assert len(with_it.body) < len(without.body) / 3 and short["stdout"] == "hi\n"


def test_other_answers(server, key):
    """Lists, the languages, metrics and errors, also of an answer that flows."""
    for _ in range(10):
        server.run(":", "bash", key=key)
    for path in ("/api/v1/executions", "/api/v1/languages", "/metrics"):
        answer, plain = server.get(path, key=key, headers=GZIP), server.get(path, key=key)
        assert answer.header("Content-Encoding") == "gzip" and plain.header("Content-Encoding") is None
        assert varies(answer) and varies(plain)
        assert len(gzip.decompress(answer.body)) > 1024 and len(answer.body) < len(plain.body)
    answer = server.get("/nowhere", headers=GZIP)
    assert (answer.status, answer.header("Content-Encoding")) == (404, None)
    answer = server.request("HEAD", "/api/v1/executions", key=key, headers=GZIP)
    assert (answer.status, answer.header("Content-Encoding"), answer.body) == (200, "gzip", b"")


def test_both_reasons_to_vary_are_there(server, key):
    answer = server.post(lines(500), key=key, headers={**GZIP, "Origin": "https://app.example"})
    assert varies(answer) and any("origin" in line.lower() for line in answer.headers["vary"])
    assert answer.header("Access-Control-Allow-Origin") == "https://app.example"


def test_with_curl(server, key, tmp_path):
    ask = ["curl", "-sS", f"http://{server.address}/api/v1/execute", "-H", f"X-API-Key: {key}", "-H",
           "Content-Type: application/json", "-d", json.dumps(lines(20000)), "-w", "%{size_download}"]
    sizes = {}
    for name, options in (("packed", ["--compressed"]), ("plain", [])):
        out = tmp_path / name
        done = subprocess.run([*ask, *options, "-o", str(out)], capture_output=True, text=True, check=True)
        sizes[name] = int(done.stdout)
        assert json.loads(out.read_text())["stdout"] == expected(20000)
    assert sizes["packed"] < sizes["plain"] / 3


def test_with_fetch_of_node(server, key):
    """Node's fetch asks for gzip by itself, and unpacks."""
    script = """
        const [address, key, code] = process.argv.slice(1);
        const answer = await fetch(`http://${address}/api/v1/execute`, {method: "POST",
            headers: {"X-API-Key": key, "Content-Type": "application/json"},
            body: JSON.stringify({language: "python", code})});
        const languages = await fetch(`http://${address}/api/v1/languages`);
        console.log(JSON.stringify({encoding: answer.headers.get("content-encoding"), status: answer.status,
            stdout: (await answer.json()).stdout, flowed: languages.headers.get("content-encoding"),
            languages: (await languages.json()).languages.length}));
    """
    done = subprocess.run([shutil.which("node"), "--input-type=module", "-e", script, server.address, key,
                           lines(3000)["code"]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["status"], seen["encoding"], seen["flowed"]) == (200, "gzip", "gzip")
    assert seen["stdout"] == expected(3000) and seen["languages"] >= 4
