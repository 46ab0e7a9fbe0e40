"""What becomes of workspaces in faults and of what programs leave in them: a full disk, a container that is gone, keys and
sessions that end, strange files, strange archives."""
import concurrent.futures
import contextlib
import gzip
import io
import os
import sqlite3
import subprocess
import tarfile

import pytest

from codecell import CELL, Server, docker, wait_for
from test_database import allow_writes, forbid_writes
from test_workspaces import SESSIONS, look, make, out, run, sleeps

SETTINGS = {"CODECELL_WORKSPACE_IDLE": "1s", "CODECELL_POOL": "bash=2"}


def file(server, key, id_, path, method="GET", body=None):
    return server.request(method, f"{SESSIONS}/{id_}/files/{path}", body, key=key)


def stored(server):
    return sorted(path.name for path in (server.data_dir / "workspaces").iterdir())


# The disk.

@contextlib.contextmanager
def small_disk(folder):
    """Mounts a small disk there. Yields whether it may be: else a limit on the size of files takes its place."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "codecell-test", str(folder)],
                             capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_loses_nothing():
    with Server({**SETTINGS, "CODECELL_WORKSPACE_IDLE": "5m"}) as server, \
            small_disk(server.data_dir / "workspaces") as mounted:
        server.start()
        key = server.key()
        id_ = make(server, key, durable=True)
        out(server, key, id_, "echo saved > f")
        before = look(server, key, id_)["bytes"]
        if not mounted:
            forbid_writes(server)
        assert out(server, key, id_, "head -c 3M /dev/urandom > big; echo here") == "here\n"
        assert server.wait_event("workspace.not_saved")["reason"]
        assert look(server, key, id_)["bytes"] == before and len(stored(server)) == 1
        assert out(server, key, id_, "cat f; wc -c < big") == "saved\n3145728\n"
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            tar.addfile(tarfile.TarInfo("x"))
        full = server.request("PUT", f"{SESSIONS}/{id_}/archive", archive.getvalue() + bytes(3 << 20), key=key)
        assert full.status == 507, full
        if mounted:
            subprocess.run(["mount", "-o", "remount,size=16m", str(server.data_dir / "workspaces")], check=True)
        else:
            allow_writes(server)
        wait_for("it is saved", lambda: look(server, key, id_)["bytes"] > 3 << 20)
        server.kill()  # what was told as saved is there
        server.start()
        assert out(server, key, id_, "cat f; wc -c < big") == "saved\n3145728\n"
        server.stop()


def stored_file(server, id_):
    name, = server.database("SELECT w.file FROM workspaces AS w JOIN sessions AS s ON s.sequence = w.session"
                            " WHERE s.id = ?", id_)[0]
    return server.data_dir / "workspaces" / name


def test_files_for_which_there_is_no_room_are_kept(server, key):
    """Only a file that cannot be read is set aside. Here two workspaces' files change places, and one is too large."""
    large, small = make(server, key, limits={"disk_mb": 64}), make(server, key, limits={"disk_mb": 16})
    assert file(server, key, large, "f", "PUT", os.urandom(20 << 20)).status == 201
    assert file(server, key, small, "f", "PUT", b"small").status == 201
    sleeps(server, key, large)
    sleeps(server, key, small)
    files, aside = [stored_file(server, id_) for id_ in (large, small)], server.data_dir / "aside"

    def swap():
        for old, new in ((files[0], aside), (files[1], files[0]), (aside, files[1])):
            old.rename(new)
    swap()
    answer = server.request("POST", "/api/v1/execute", {"code": "ls", "session_id": small}, key=key)
    assert (answer.status, answer.detail) == (500, "Execution failed: its workspace could not be woken")
    assert "could not be woken" in file(server, key, small, "g", "PUT", b"x").detail
    assert look(server, key, small)["state"] == "asleep" and not [name for name in stored(server) if "broken" in name]
    swap()
    assert out(server, key, small, "cat f") == "small"


# The container.

def test_a_container_that_is_removed_while_it_is_ready(launch):
    server = launch({**SETTINGS, "CODECELL_WORKSPACE_IDLE": "5m"}, languages=["bash"])
    key = server.key()
    id_ = make(server, key, durable=True)
    out(server, key, id_, "echo saved > f")
    cell = out(server, key, id_, CELL["bash"]).strip()
    docker("rm", "-f", cell)
    done = run(server, key, id_, "cat f")
    assert done["stdout"] == "saved\n" and "ended unexpectedly" in done["warnings"][0], done
    assert run(server, key, id_, CELL["bash"])["stdout"].strip() != cell


def test_a_container_that_is_removed_while_it_runs(launch):
    server = launch({**SETTINGS, "CODECELL_WORKSPACE_IDLE": "5m"}, languages=["bash"])
    key = server.key()
    id_ = make(server, key, durable=True)
    cell = out(server, key, id_, "echo saved > f; " + CELL["bash"]).strip()
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(server.request, "POST", "/api/v1/execute",
                                 {"code": "echo no > g; sleep 100", "session_id": id_}, key)
        wait_for("busy", lambda: look(server, key, id_)["state"] == "busy")
        docker("rm", "-f", cell)
        assert running.result().status >= 500
    lost = look(server, key, id_)
    assert lost["state"] == "lost" and "ended unexpectedly" in lost["state_reason"], lost
    assert file(server, key, id_, "f").body == b"saved\n"  # from what was saved, without a container
    done = run(server, key, id_, "ls")
    assert done["stdout"] == "f\nmain.sh\n" and len(done["warnings"]) == 1, done


# Sessions and keys that end.

def change(server, sql, *args):
    with contextlib.closing(sqlite3.connect(next(server.data_dir.glob("*.db")), timeout=60)) as db, db:
        db.execute(sql, args)


@pytest.mark.parametrize("state", ["asleep", "ready"])
def test_a_session_that_expires(server, key, state):
    id_ = make(server, key, ttl_seconds=60)
    cell = out(server, key, id_, "echo x > f; " + CELL["bash"]).strip()
    if state == "asleep":
        sleeps(server, key, id_)
    wait_for("it is saved", lambda: look(server, key, id_)["bytes"] > 0)
    name = stored_file(server, id_).name
    change(server, "UPDATE sessions SET last_used_ms = last_used_ms - 100000, expires_ms = expires_ms - 100000"
                   " WHERE id = ?", id_)
    change(server, "UPDATE executions SET created_ms = created_ms - 100000 WHERE session_id = ?", id_)
    assert server.get(f"{SESSIONS}/{id_}", key=key).status == 404
    assert file(server, key, id_, "f").status == 404
    wait_for("its file is removed", lambda: name not in stored(server))
    wait_for("its container is removed", lambda: cell not in str(server.containers()))


@pytest.mark.parametrize("state", ["asleep", "ready"])
def test_a_key_that_is_revoked(server, state):
    key = server.key()
    id_ = make(server, key)
    cell = out(server, key, id_, "echo x > f; " + CELL["bash"]).strip()
    if state == "asleep":
        sleeps(server, key, id_)
    wait_for("it is saved", lambda: look(server, key, id_)["bytes"] > 0)
    name = stored_file(server, id_).name
    assert server.cli("key", "revoke", key[3:11]).returncode == 0
    assert file(server, key, id_, "f").status == 401
    wait_for("its file is removed", lambda: name not in stored(server))
    wait_for("its container is removed", lambda: cell not in str(server.containers()))


# Strange files.

def test_strange_files_sleep_and_wake(server, key):
    """Names of 255 bytes and with newlines, modes that close a file or a folder, and a file with a hole of 40 MiB."""
    id_ = make(server, key)
    long = "n" * 255
    out(server, key, id_, f"""
        rm main.sh; echo long > {long}; echo line > $'a\\nb'; echo bytes > $'\\xff'
        echo closed > closed; chmod 0 closed; mkdir d; echo in > d/f; chmod 0 d
        truncate -s 40M sparse; printf end >> sparse""")
    assert file(server, key, id_, long).body == b"long\n"
    sleeps(server, key, id_)
    items = server.request("GET", f"{SESSIONS}/{id_}/files?depth=2", key=key).json["items"]
    modes = {item["path"]: (item["type"], item["mode"]) for item in items}
    assert modes == {"a\nb": ("file", "0644"), "closed": ("file", "0000"), "d": ("directory", "0000"),
                     "d/f": ("file", "0644"), long: ("file", "0644"), "sparse": ("file", "0644"),
                     "\ufffd": ("file", "0644")}, modes
    assert file(server, key, id_, "a%0Ab").body == b"line\n"
    tail = server.request("GET", f"{SESSIONS}/{id_}/files/sparse", key=key, headers={"Range": "bytes=-5"})
    assert (tail.status, tail.body) == (206, b"\0\0end")
    assert out(server, key, id_, f"""
        rm main.sh; stat -c '%a %s' closed d sparse; [ $(stat -c %b sparse) -lt 100 ] && echo holes
        chmod 700 closed d; cat closed d/f $'\\xff' $'a\\nb' {long}; tail -c 3 sparse""") == (
            "0 7\n0 60\n644 41943043\nholes\nclosed\nin\nbytes\nline\nlong\nend")


def test_a_file_that_is_swapped_for_a_link_while_it_is_read(server, key):
    """Another process of the workspace does that all the time: what comes is the file or nothing, never the link's goal."""
    id_ = make(server, key)
    out(server, key, id_, "cat > swap.sh <<'END'\nwhile :; do ln -sfn /etc/passwd x; mv -T x f; echo safe > y; mv y f; done\n"
                          "END\necho safe > f; setsid bash swap.sh > /dev/null 2>&1 &")
    for _ in range(60):
        got = file(server, key, id_, "f")
        assert got.body == b"safe\n" or got.status in (400, 404, 409, 503), got


def test_as_many_files_as_there_may_be(server, key):
    """The folder takes so many (16,384 with what else is in /tmp), and all of them are listed, sleep and wake."""
    id_ = make(server, key)
    made = run(server, key, id_, "mkdir d; cd d; for ((i = 0; i < 20000; i++)); do : > $i || break; done; ls | wc -l",
               timeout=60)
    count = int(made["stdout"])
    assert 16000 < count < 16384 and "No space left" in made["stderr"], made
    seen, cursor = 0, ""
    while cursor is not None:
        page = server.request("GET", f"{SESSIONS}/{id_}/files?path=d&limit=1000{cursor and '&cursor=' + cursor}", key=key)
        seen, cursor = seen + len(page.json["items"]), page.json["next_cursor"]
    assert seen == count
    sleeps(server, key, id_)
    assert out(server, key, id_, "ls d | wc -l", timeout=60) == f"{count}\n"
    assert file(server, key, id_, "f", "PUT", b"x").status == 507
    assert file(server, key, id_, "d/1", "DELETE").status == 204  # there is not even room for a place to move it to
    assert file(server, key, id_, "f", "PUT", b"x").status == 507  # it has a place of its own until it is whole
    assert file(server, key, id_, "d", "DELETE").status == 204
    assert out(server, key, id_, "ls") == "main.sh\n"


# Archives.

def put_archive(server, key, id_, members, packed=None):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, kind, target, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.size, member.mode = kind, target, len(content), 0o4755
            tar.addfile(member, io.BytesIO(content))
    return server.request("PUT", f"{SESSIONS}/{id_}/archive", packed or buffer.getvalue(), key=key)


def test_an_archive_with_links(server, key):
    """Links come as they are, also those that lead outside, and nothing follows them; a bit that gives rights does not."""
    id_ = make(server, key)
    done = put_archive(server, key, id_, [
        ("f", tarfile.REGTYPE, "", b"x"), ("out", tarfile.SYMTYPE, "/etc", b""), ("up", tarfile.SYMTYPE, "../..", b""),
        ("same", tarfile.LNKTYPE, "f", b"")])
    assert done.status == 204, done
    assert file(server, key, id_, "out/passwd").status in (400, 404, 409)
    assert out(server, key, id_, "readlink out up; stat -c '%a %h' f same") == "/etc\n../..\n755 2\n755 2\n"


@pytest.mark.parametrize("members", [
    [("out", tarfile.SYMTYPE, "/tmp", b""), ("out/x", tarfile.REGTYPE, "", b"x")],
    [("same", tarfile.LNKTYPE, "/etc/passwd", b"")],
    [("same", tarfile.LNKTYPE, "../x", b"")],
    [("pipe", tarfile.FIFOTYPE, "", b"")],
    [("disk", tarfile.BLKTYPE, "", b"")],
    [("f", tarfile.REGTYPE, "", b"x"), ("f/g", tarfile.REGTYPE, "", b"x")],
])
def test_an_archive_that_leads_out(server, key, members):
    id_ = make(server, key)
    assert file(server, key, id_, "kept", "PUT", b"old").status == 201
    done = put_archive(server, key, id_, members)
    assert 400 <= done.status < 500 and done.detail, done
    assert file(server, key, id_, "kept").body == b"old"
    assert out(server, key, id_, "rm main.sh; ls; ls /tmp") == "kept\nwork\n"


def spools(server):
    """Whether the server has an archive in a file without a name."""
    for number in os.listdir(f"/proc/{server.pid}/fd"):
        with contextlib.suppress(OSError):  # closed since
            if "/spool." in os.readlink(f"/proc/{server.pid}/fd/{number}"):
                return True
    return False


def test_an_archive_whose_client_leaves(server, key):
    id_ = make(server, key)
    assert file(server, key, id_, "kept", "PUT", b"old").status == 201
    wire = server.wire()
    wire.send(f"PUT {SESSIONS}/{id_}/archive HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Length: 1000000\r\n\r\n"
              .encode() + bytes(500000))
    wait_for("it is spooled", lambda: spools(server))
    wire.socket.close()
    wait_for("it is dropped", lambda: not spools(server))
    assert file(server, key, id_, "kept").body == b"old"


@pytest.mark.parametrize("kind", ["zeros", "many", "long names"])
def test_bombs(server, key, kind):
    """Small when they are sent, and large, or many, when they are unpacked."""
    id_ = make(server, key, limits={"disk_mb": 16})
    assert file(server, key, id_, "kept", "PUT", b"old").status == 201
    if kind == "zeros":  # 16 times disk_mb and more, of which nothing is a hole
        block = (b"\1" * 1023 + b"\n") * 1024
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=9) as tar:
            for number in range(20):
                member = tarfile.TarInfo(f"z{number}")
                member.size = 16 << 20
                tar.addfile(member, io.BytesIO(block * 16))
        packed = raw.getvalue()
    elif kind == "many":
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1) as tar:
            for number in range(20000):
                tar.addfile(tarfile.TarInfo(f"{number}"))
        packed = raw.getvalue()
    else:
        member = tarfile.TarInfo("x" * 5000)
        packed = gzip.compress(member.tobuf(tarfile.PAX_FORMAT))
    assert len(packed) < 2 << 20
    done = put_archive(server, key, id_, [], packed)
    assert done.status in (400, 413, 507) and done.detail, done
    assert file(server, key, id_, "kept").body == b"old"
    assert look(server, key, id_)["state"] != "lost"
