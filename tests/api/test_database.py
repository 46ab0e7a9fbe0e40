"""A database that can't be written, or isn't there: the answers, the programs that still run, and their records."""
import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import pytest

from codecell import Server, wait_for

SETTINGS = {"CODECELL_POOL": "*=0"}


class Disk:
    """A small disk for one server. If none may be mounted, a limit on the size of the server's files takes its place."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="codecell-disk-"))
        mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "codecell-test", str(self.folder)]
        self.mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0

    def fill(self, server):
        if not self.mounted:
            forbid_writes(server)
            return
        with contextlib.suppress(OSError), open(self.folder / "filler", "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def free(self, server):
        if not self.mounted:
            allow_writes(server)
            return
        (self.folder / "filler").unlink()

    def close(self):
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=True)
        self.folder.rmdir()


def forbid_writes(server):
    """The server cannot write to any file, as on a disk that fails."""
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def allow_writes(server):
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.fixture(scope="module")
def disk():
    one = Disk()
    yield one
    one.close()


@pytest.fixture(scope="module")
def server(disk):
    with Server(SETTINGS, data_dir=disk.folder / "data", languages=["bash"]) as one:
        yield one.start()
    if not disk.mounted:
        (disk.folder / "data").exists() and subprocess.run(["rm", "-r", str(disk.folder / "data")], check=True)


def cells_taken(server):
    return sum(server.metrics().get("codecell_cells_taken_total", {}).values())


def ready(server):
    answer = server.get("/ready", key=None)
    assert (answer.status == 200) == (answer.json["checks"]["database"] == "ok"), answer
    return answer.status == 200


def wait_refused(server, answers):
    """Runs programs until one is refused. Every answer before that is 200."""
    def refused():
        answer = server.execute("echo hi", "bash", session_id="s")
        if answer.status == 503:
            return answer
        assert answer.status == 200 and answer.json["stdout"] == "hi\n", answer
        answers.append(answer.json["execution_id"])
    answer = wait_for("a refusal", refused)
    assert int(answer.header("Retry-After")) >= 1 and answer.detail.startswith("The database can't be used"), answer


def check_refused(server):
    """The server is not ready and runs no program; requests that only read are answered."""
    assert not ready(server)
    before = cells_taken(server)
    for _ in range(3):
        answer = server.execute("echo hi", "bash")
        assert answer.status == 503 and int(answer.header("Retry-After")) >= 1, answer
    assert cells_taken(server) == before
    assert sum(server.metrics()["codecell_database_usable"].values()) == 0
    assert server.execute("echo hi", "bash", key="wrong").status == 401
    assert server.get("/health", key=None).status == 200


def check_well(server, ids):
    """Ready again without a restart; each program that was answered has its record, and none is left open."""
    wait_for("ready", lambda: ready(server))
    ids.append(server.run("echo well", "bash")["execution_id"])
    for id_ in ids:
        assert server.get("/api/v1/executions/" + id_).json["status"] == "completed"
    assert not {item["status"] for item in server.executions()} & {"pending", "running"}


def test_a_full_disk(server, disk):
    ids = [server.run("echo hi", "bash")["execution_id"]]
    disk.fill(server)
    try:
        wait_refused(server, ids)
        check_refused(server)
        assert server.get("/api/v1/executions").status == 200
    finally:
        disk.free(server)
    check_well(server, ids)


@pytest.mark.parametrize("fails", ["full", "broken"])
def test_a_program_that_ran_meanwhile_is_answered_and_recorded_later(server, disk, fails):
    running = server.begin("sleep 8; echo done", "bash", session_id="long")
    id_ = server.wait_status("running")[0]["execution_id"]
    fill, free = (disk.fill, disk.free) if fails == "full" else (forbid_writes, allow_writes)
    fill(server)
    try:
        answer = running.answer()
        assert answer.status == 200 and answer.json["stdout"] == "done\n", answer
        assert any("record" in warning for warning in answer.json["warnings"]), answer
        check_refused(server)
    finally:
        free(server)
    check_well(server, [id_])
    assert server.get("/api/v1/sessions/long").json["executions"] >= 1


def alter(server, *statements):
    with contextlib.closing(sqlite3.connect(server.data_dir / "codecell.db", timeout=60)) as db, db:
        for statement in statements:
            db.execute(statement)


def test_a_missing_table(server):
    alter(server, "alter table executions rename to gone")
    try:
        wait_for("not ready", lambda: not ready(server))
        check_refused(server)
        answer = server.get("/api/v1/executions")
        assert answer.status == 503 and "executions" not in answer.detail, answer
    finally:
        alter(server, "alter table gone rename to executions")
    check_well(server, [])


def test_a_database_that_another_program_holds(server):
    with contextlib.closing(sqlite3.connect(server.data_dir / "codecell.db", isolation_level=None)) as db:
        db.execute("begin immediate")
        wait_for("not ready", lambda: not ready(server))
        check_refused(server)
        assert server.get("/api/v1/executions").status == 200
        db.execute("rollback")
    check_well(server, [])


# The start.

@pytest.fixture
def stopped(tmp_path):
    """A server that is not started, with a database of some pages."""
    one = Server(SETTINGS, data_dir=tmp_path / "data")
    one.key()
    yield one
    shutil.rmtree(one.folder, ignore_errors=True)


def test_a_start_settles_what_an_earlier_run_left(stopped):
    key = stopped.key(credits="5")
    alter(stopped,
          "insert into servers (row, id) values (77, 'another')",
          *(f"insert into reservations select {number}, row, {amount}, {server}, 1 from keys where credits = 5"
            for number, amount, server in ((10, 3, 1), (11, 1, 1), (12, 100, 77))),
          *(f"insert into idempotency (key_row, text, route, body_sha256, since_ms, server, run, bytes, status)"
            f" values (1, '{text}', 'r', zeroblob(32), {since}, {server}, 1, 0, {status})"
            for text, since, server, status in (("left", "unixepoch() * 1000", 1, "null"), ("old", 1, 77, 200),
                                                ("theirs", "unixepoch() * 1000", 77, "null"))),
          "insert into idempotency_shares values (1, 3, 0)",
          "insert into payments values (1, 'base', 'old', 2, 1, 1, 1), (2, 'base', 'new', 2, 9e15, 1, 1)")
    stopped.start()
    try:
        wait_for("what is left to be settled", lambda: (
            stopped.database("select row from reservations") == [(12,)]
            and stopped.database("select text from idempotency") == [("theirs",)]
            and stopped.database("select nonce from payments") == [("new",)]))
        assert stopped.database("select credits from keys where id = ?", key[3:11]) == [(9,)]
        assert stopped.database("select requests from idempotency_shares") == [(1,)]
    finally:
        stopped.stop()


def empty(file):
    os.truncate(file, 0)


def cut(file):
    os.truncate(file, file.stat().st_size // 8192 * 4096)


def replace_foreign(file):
    file.unlink()
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        db.execute("create table notes (text)")


def replace_text(file):
    file.write_text("no database\n" * 100)


@pytest.mark.parametrize("harm,said", [
    (empty, "it is empty, but instance beside it"), (Path.unlink, "it is missing, but instance beside it"),
    (cut, "it is damaged"), (replace_foreign, "it is not a database of Codecell"),
    (replace_text, "file is not a database"),
])
def test_a_database_that_is_not_there_as_it_was_ends_the_start(stopped, harm, said):
    file = stopped.data_dir / "codecell.db"
    harm(file)
    before = file.read_bytes() if file.exists() else None
    for command in (["serve"], ["key", "list"]):
        done = stopped.cli(*command)
        assert done.returncode == 1 and said in done.stderr and str(file) in done.stderr, done.stderr
        assert (file.read_bytes() if file.exists() else None) == before


def test_an_emptied_database_beside_its_log_ends_the_start(stopped, server):
    """Everything that a killed server leaves, except the file itself."""
    server.run(":", "bash")
    shutil.rmtree(stopped.data_dir)
    stopped.data_dir.mkdir()
    file, log = stopped.data_dir / "codecell.db", stopped.data_dir / "codecell.db-wal"
    file.touch()
    shutil.copy(server.data_dir / log.name, log)
    kept = log.read_bytes()
    assert kept
    done = stopped.cli("serve")
    assert done.returncode == 1 and "it is empty, but codecell.db-wal beside it" in done.stderr, done.stderr
    assert log.read_bytes() == kept and file.stat().st_size == 0
