"""Many files at once, as a form: real clients, and forms that are broken."""
import os
import subprocess
from pathlib import Path

import pytest

from codecell import ROOT, SANITIZED, wait_for
from test_workspaces import SESSIONS, look, make, out

SETTINGS = {"CODECELL_MAX_BODY": "64k", "CODECELL_POOL": "bash=2"}
FORM = {"Content-Type": "multipart/form-data; boundary=B"}
GROWTH_MB = 8  # that the server's memory may grow by while a large form comes


@pytest.fixture(scope="module")
def space(server):
    """A workspace for all tests, and its key."""
    key = server.key()
    return key, make(server, key, limits={"disk_mb": 64})


def part(name, content, attribute="filename"):
    return f'--B\r\nContent-Disposition: form-data; {attribute}="{name}"\r\n\r\n'.encode() + content + b"\r\n"


def post(server, space, body, headers=FORM):
    return server.request("POST", f"{SESSIONS}/{space[1]}/files", body, key=space[0], headers=headers)


def read(server, space, path):
    return server.request("GET", f"{SESSIONS}/{space[1]}/files/{path}", key=space[0])


def test_curl(server, space, tmp_path):
    key, id_ = space
    (tmp_path / "one.txt").write_bytes(b"one\r\n--")
    (tmp_path / "data.bin").write_bytes(os.urandom(3 << 20))
    done = subprocess.run(["curl", "-sS", "-w", "\n%{http_code}", "-H", f"X-API-Key: {key}", "-F", "file=@one.txt",
                           "-F", "file=@data.bin;filename=deep/er/data.bin", "-F", "folder/name=a value",
                           f"http://{server.address}{SESSIONS}/{id_}/files"], cwd=tmp_path, capture_output=True,
                          text=True, timeout=60, check=True)
    body, status = done.stdout.rsplit("\n", 1)
    assert status == "201", done.stdout
    listed = server.request("GET", f"{SESSIONS}/{id_}/files?depth=9", key=key).json["items"]
    assert '"next_cursor":null' in body.replace(" ", "")
    for path, content in (("one.txt", b"one\r\n--"), ("deep/er/data.bin", (tmp_path / "data.bin").read_bytes()),
                          ("folder/name", b"a value")):
        assert read(server, space, path).body == content
        item = next(item for item in listed if item["path"] == path)
        assert (item["size"], item["mode"], item["type"]) == (len(content), "0644", "file")
        assert f'"path":"{path}"' in body.replace(" ", "") and item["modified_at"] in body


def test_node(server, space):
    done = subprocess.run(["node", ROOT / "tests/api/clients/forms/form.mjs"], capture_output=True, text=True,
                          timeout=60, check=False, env={**os.environ, "URL": f"http://{server.address}",
                                                        "KEY": space[0], "SESSION": space[1]})
    assert done.stdout == "all is as it should be\n", done.stdout + done.stderr
    assert out(server, *space, "head -c 3 big | od -An -tx1; wc -c < big") == " 0d 0d 0d\n8388608\n"


def test_files_are_replaced_and_keep_their_mode(server, space):
    out(server, *space, "echo old > f; chmod 750 f; exec 3< f; echo $$ > /dev/null")
    answer = post(server, space, part("f", b"new") + part("f", b"newest") + b"--B--")
    assert [(item["path"], item["size"], item["mode"]) for item in answer.json["items"]] == [
        ("f", 3, "0750"), ("f", 6, "0750")]
    assert out(server, *space, "cat f") == "newest"


def test_a_form_without_parts(server, space):
    answer = post(server, space, b"--B--\r\n")
    assert (answer.status, answer.json) == (201, {"items": [], "next_cursor": None})


@pytest.mark.parametrize("second, sentence", [
    (part("../x", b"2"), "part 2 (../x): its path must be relative, without . and .., of at most 4096 bytes."),
    (part("/etc/x", b"2"), "part 2 (/etc/x): its path must be relative, without . and .., of at most 4096 bytes."),
    (part("", b"2"), "part 2: it has no filename and no name."),
    (b"--B\r\nContent-Disposition: form-data\r\n\r\n2\r\n", "part 2: it has no filename and no name."),
    (b"--B\r\n\r\n2\r\n", "part 2: has no Content-Disposition."),
    (b"--B\r\nX: " + bytes(9000) + b"\r\n\r\n2\r\n", "part 2: its head is too long."),
    (part("b", b"2") + b"--Bx", "part 2 (b): a boundary is followed by other bytes."),
    (part("a/x", b"2"), "part 2 (a/x): path: there is something of another kind."),
    (part("big", bytes(65 << 20)), "part 2 (big): The workspace is full (limits.disk_mb)."),
], ids=["climbs", "absolute", "empty name", "no name", "no disposition", "long head", "followed", "below a file", "too big"])
def test_a_part_that_is_wrong(server, key, second, sentence):
    """It is named, and what came before it is written."""
    space = key, make(server, key, limits={"disk_mb": 64})
    answer = post(server, space, part("a", b"1") + second + part("c", b"3") + b"--B--")
    parts = "2 parts were" if "(b)" in sentence else "1 part was"
    assert (answer.detail, answer.status) == (f"{sentence} Before it, {parts} written.",
                                              507 if "full" in sentence else 409 if "kind" in sentence else 400)
    assert read(server, space, "a").body == b"1"
    assert read(server, space, "c").status == 404


@pytest.mark.parametrize("body, sentence", [
    (b"", "the body has no boundary of its Content-Type. Nothing was written."),
    (b"hello", "the body has no boundary of its Content-Type. Nothing was written."),
    (part("cut", b"1")[:-2], "part 1 (cut): the body ends before its last boundary. Nothing was written."),
    (part("whole", b"1") + b"--B\r\nCon",
     "part 2: the body ends before its last boundary. Before it, 1 part was written."),
])
def test_a_body_that_ends_too_soon(server, space, body, sentence):
    answer = post(server, space, body)
    assert (answer.status, answer.detail) == (400, sentence)
    assert read(server, space, "cut").status == 404


@pytest.mark.parametrize("type_, status", [
    ("application/json", 415), ("multipart/mixed; boundary=B", 415), ("multipart/form-data", 400),
    ("multipart/form-data; boundary=", 400), ("multipart/form-data; boundary=" + "b" * 71, 400)])
def test_another_content_type(server, space, type_, status):
    answer = post(server, space, part("f", b"1") + b"--B--", {"Content-Type": type_})
    assert answer.status == status and answer.detail.startswith("Content-Type"), answer


def test_many_parts(server, space):
    body = b"".join(part(f"many/{number}", b"%d" % number) for number in range(1000))
    answer = post(server, space, body + b"--B--")
    assert answer.status == 201 and len(answer.json["items"]) == 1000
    assert out(server, *space, "cat many/* | wc -c; rm -r many") == "2890\n"
    answer = post(server, space, body + part("one-more", b"1") + b"--B--")
    assert (answer.status, answer.detail) == (413, "part 1001: a form has at most 1000 parts. Before it, 1000 parts "
                                                   "were written.")
    out(server, *space, "rm -r many")


def test_a_client_that_leaves(server, space):
    key, id_ = space
    post(server, space, part("kept", b"old") + b"--B--")
    body = part("before", b"1") + part("kept", b"new" * 1000)[:-2]
    wire = server.wire()
    wire.send(f"POST {SESSIONS}/{id_}/files HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: "
              f"{FORM['Content-Type']}\r\nContent-Length: 1000000\r\n\r\n".encode() + body)
    wait_for("busy", lambda: look(server, key, id_)["state"] == "busy")
    wire.socket.close()
    assert read(server, space, "kept").body == b"old"


def resident_mb(server):
    status = Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def test_a_large_form_is_not_kept_in_memory(server, key):
    space = key, make(server, key, limits={"disk_mb": 64})
    post(server, space, part("warm", bytes(1 << 20)) + b"--B--")
    before = resident_mb(server)
    most = [before]
    body = b"".join(part(f"f{number}", bytes(10 << 20)) for number in range(5)) + b"--B--"
    wire = server.wire()
    wire.send(f"POST {SESSIONS}/{space[1]}/files HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: "
              f"{FORM['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
    for at in range(0, len(body), 1 << 20):
        wire.send(body[at:at + (1 << 20)])
        most.append(resident_mb(server))
    answer = wire.answer()
    assert answer.status == 201 and [item["size"] for item in answer.json["items"]] == [10 << 20] * 5
    wire.socket.close()
    assert max(most) - before < GROWTH_MB or SANITIZED, (before, max(most))
