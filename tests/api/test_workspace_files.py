"""Files of a workspace: by path, as a list and as an archive, awake and asleep."""
import hashlib
import io
import os
import tarfile

import pytest

from codecell import wait_for
from test_workspaces import SESSIONS, look, make, out, run, sleeps

SETTINGS = {"CODECELL_WORKSPACE_IDLE": "1s", "CODECELL_MAX_BODY": "64k", "CODECELL_POOL": "bash=2"}


@pytest.fixture
def workspace(server, key):
    id_ = make(server, key)
    return lambda method, path="", body=None, **headers: server.request(
        method, f"{SESSIONS}/{id_}{path}", body, key=key,
        headers={name.replace("_", "-"): value for name, value in headers.items()}), id_


def test_a_file_in_and_out(server, key, workspace):
    ask, id_ = workspace
    data = os.urandom(300_000)
    made = ask("PUT", "/files/a/b/data.bin", data)
    assert (made.status, made.body) == (201, b"")
    tag = made.header("ETag")
    assert out(server, key, id_, "sha256sum < a/b/data.bin").split()[0] == hashlib.sha256(data).hexdigest()
    for state in ("awake", "asleep"):
        got = ask("GET", "/files/a/b/data.bin")
        assert (got.status, got.body, got.header("ETag")) == (200, data, tag), state
        assert got.header("Content-Disposition") == "attachment" and got.header("X-Content-Type-Options") == "nosniff"
        assert got.header("Last-Modified").endswith(" GMT")
        part = ask("GET", "/files/a/b/data.bin", Range="bytes=100000-100009")
        assert (part.status, part.body) == (206, data[100000:100010])
        assert part.header("Content-Range") == "bytes 100000-100009/300000"
        assert ask("GET", "/files/a/b/data.bin", Range="bytes=-5").body == data[-5:]
        assert ask("GET", "/files/a/b/data.bin", Range="bytes=300000-").status == 416
        assert ask("GET", "/files/a/b/data.bin", If_None_Match=tag).status == 304
        assert ask("HEAD", "/files/a/b/data.bin").body == b""
        assert ask("GET", "/files/none").status == 404
        assert ask("GET", "/files/a").status == 409
        if state == "awake":
            sleeps(server, key, id_)


def test_conditions(server, key, workspace):
    ask, _ = workspace
    tag = ask("PUT", "/files/f", b"1").header("ETag")
    assert ask("PUT", "/files/f", b"2", If_None_Match="*").status == 412
    second = ask("PUT", "/files/f", b"22", If_Match=tag)
    assert second.status == 204
    assert ask("PUT", "/files/f", b"3", If_Match=tag).status == 412
    assert ask("PUT", "/files/new", b"3", If_Match="*").status == 412
    assert ask("DELETE", "/files/f", If_Match=tag).status == 412
    assert ask("GET", "/files/f").body == b"22"
    assert ask("DELETE", "/files/f", If_Match=second.header("ETag")).status == 204
    assert ask("DELETE", "/files/f").status == 404


def test_the_list(server, key, workspace):
    ask, id_ = workspace
    assert ask("GET", "/files").json == {"items": [], "next_cursor": None}
    run(server, key, id_, "mkdir d; echo 12 > d/f; ln -s f d/l; mkfifo d/p; chmod 600 d/f; touch $'d/n\\nl'; rm main.sh")
    for state in ("awake", "asleep"):
        items = ask("GET", "/files?depth=2").json["items"]
        slept = look(server, key, id_)["state"] == "asleep"  # by now: the pipe is then perhaps not in the list
        listed = [(item["path"], item["type"]) for item in items]
        stored = [("d", "directory"), ("d/f", "file"), ("d/l", "link"), ("d/n\nl", "file")]
        assert listed == stored + [("d/p", "other")] if not slept else listed[:4] == stored, state
        assert state == "awake" or listed == stored
        assert (items[1]["size"], items[1]["mode"]) == (3, "0600")
        assert [item["path"] for item in ask("GET", "/files").json["items"]] == ["d"]
        assert [item["path"] for item in ask("GET", "/files?path=d").json["items"]][:2] == ["d/f", "d/l"]
        page = ask("GET", "/files?path=d&limit=1").json
        seen = [page["items"][0]["path"]]
        page = ask("GET", f"/files?path=d&limit=1&cursor={page['next_cursor']}").json
        assert seen + [page["items"][0]["path"]] == ["d/f", "d/l"]
        assert ask("GET", "/files?path=nothing").status == 404
        assert ask("GET", "/files?path=../x").status == 400
        if state == "awake":
            sleeps(server, key, id_)


@pytest.mark.parametrize("path", ["..%2f..%2fetc/passwd", "%2e%2e/x", "a/../../x", "a//b", "x%00y"])
def test_paths_that_climb(server, key, workspace, path):
    ask, _ = workspace
    assert ask("GET", "/files/" + path).status in (400, 404)
    assert ask("PUT", "/files/" + path, b"x").status in (400, 404)


def test_links_that_lead_outside(server, key, workspace):
    ask, id_ = workspace
    run(server, key, id_, "ln -s /etc d; ln -s /etc/passwd p; ln -s ../../etc/passwd r; ln -s main.sh inside")
    for path in ("d/passwd", "p", "r"):
        for state in ("awake", "asleep"):
            assert ask("GET", "/files/" + path).status in (400, 403, 404, 409), (path, state)
            if state == "awake" and path == "r":
                sleeps(server, key, id_)
        assert ask("PUT", "/files/d/x", b"x").status in (400, 403, 404, 409)
    assert ask("GET", "/files/inside").status == 200


def test_a_body_that_breaks_off_changes_nothing(server, key, workspace):
    ask, id_ = workspace
    ask("PUT", "/files/f", b"old")
    wire = server.wire()
    wire.send(f"PUT {SESSIONS}/{id_}/files/f HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Length: 100000\r\n\r\n"
              .encode() + b"new" * 1000)
    wait_for("busy", lambda: look(server, key, id_)["state"] == "busy")
    wire.socket.close()
    assert ask("GET", "/files/f").body == b"old"
    assert [item["path"] for item in ask("GET", "/files").json["items"]] == ["f"]


def test_too_much(server, key):
    id_ = make(server, key, limits={"disk_mb": 5})
    answer = server.request("PUT", f"{SESSIONS}/{id_}/files/f", bytes(6 << 20), key=key)
    assert answer.status in (413, 507), answer
    assert server.request("PUT", f"{SESSIONS}/{id_}/files/f", os.urandom(3 << 20), key=key).status == 201
    assert server.request("PUT", f"{SESSIONS}/{id_}/files/g", os.urandom(3 << 20), key=key).status == 507
    assert out(server, key, id_, "rm main.sh; ls") == "f\n"


def test_the_archive(server, key, workspace):
    ask, id_ = workspace
    assert tarfile.open(fileobj=io.BytesIO(ask("GET", "/archive").body)).getnames() == []
    run(server, key, id_, "mkdir d; echo x > d/f; chmod 751 d/f; rm main.sh")
    for state in ("awake", "asleep"):
        archive = ask("GET", "/archive").body
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            assert tar.getnames() == ["d", "d/f"], state
            assert tar.getmember("d/f").mode == 0o751
        if state == "awake":
            sleeps(server, key, id_)
    run(server, key, id_, "rm -rf *; echo gone > other")
    assert ask("PUT", "/archive", archive).status == 204
    assert out(server, key, id_, "rm main.sh; find . -type f; cat d/f") == "./d/f\nx\n"


@pytest.mark.parametrize("kind", ["cut", "text", "absolute", "climbs", "device"])
def test_archives_that_are_wrong_change_nothing(server, key, workspace, kind):
    ask, id_ = workspace
    ask("PUT", "/files/f", b"old")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo({"absolute": "/etc/x", "climbs": "../x"}.get(kind, "x"))
        member.type = tarfile.CHRTYPE if kind == "device" else tarfile.REGTYPE
        member.size = 0 if kind == "device" else 5000
        tar.addfile(member, io.BytesIO(os.urandom(5000)))
    body = {"cut": buffer.getvalue()[:3000], "text": b"no archive"}.get(kind, buffer.getvalue())
    answer = ask("PUT", "/archive", body)
    assert answer.status == 400 and answer.detail, answer
    assert ask("GET", "/files/f").body == b"old"
    assert [item["path"] for item in ask("GET", "/files").json["items"]] == ["f"]


def test_a_session_without_one(server, key):
    server.run(":", "bash", session_id="plain", key=key)
    answer = server.request("GET", f"{SESSIONS}/plain/files", key=key)
    assert (answer.status, answer.detail) == (409, "Session plain has no workspace")
