"""Programs in a workspace find and reach no more than others, and one key's workspace is out of reach of another key's."""
import concurrent.futures
import copy
import itertools

import pytest

import reach
import test_isolation
from codecell import Server, wait_for
from test_compared import LIMITS

SESSIONS = "/api/v1/sessions"
MARK = "secret-of-the-other-workspace-83c1"
numbers = itertools.count()


class InWorkspaces(Server):
    """A server whose programs run in a workspace of their language, each after another in the same one."""

    @classmethod
    def of(cls, server):
        one = copy.copy(server)
        one.__class__, one.spaces = cls, {}
        return one

    def space(self, language):
        if language not in self.spaces:
            self.spaces[language] = make(self, self.any_key, language, limits={"disk_mb": 64})
            self.execute(":" if language == "bash" else "", language)  # so that no program here is the first
        return self.spaces[language]

    def ran(self):
        """How many programs have run in the workspaces."""
        return sum(self.get(f"{SESSIONS}/{id_}").json["executions"] for id_ in self.spaces.values())

    def post(self, body, **options):
        return super().post({"session_id": self.space(body["language"]), **body}, **options)


def make(server, key, language, **fields):
    id_ = f"space-{next(numbers)}"
    answer = server.request("POST", SESSIONS, {"session_id": id_, "workspace": True, "language": language, **fields},
                            key=key)
    assert answer.status == 201, answer
    return id_


@pytest.fixture(scope="module")
def inside(server):
    return InWorkspaces.of(server)


# Of each kind of attempt one; in a workspace there is no other filter, namespace or mount than outside of it.
@pytest.mark.parametrize("attempt", [
    test_isolation.test_mounts, test_isolation.test_no_network,
    test_isolation.test_the_host_cannot_be_reached_by_loopback,
    test_isolation.test_abstract_sockets_of_the_host_are_not_seen,
    test_isolation.test_the_environment_holds_nothing_of_the_server,
    test_isolation.test_the_hosts_name_and_paths_are_not_told, test_isolation.test_no_agent_program_can_be_changed,
], ids=lambda attempt: attempt.__name__[5:])
def test_it_fails_in_a_workspace_too(inside, attempt):
    before = inside.ran()
    attempt(inside)
    assert inside.ran() > before


def test_no_file_is_open_in_a_workspace_that_is_not_elsewhere(server, inside):
    found = [reach.read(one.run(reach.FILES, "python", timeout=120, limits=limits)["stdout"])
             for one, limits in ((server, {**LIMITS, "disk_mb": 64}), (inside, LIMITS))]
    assert len(found[0]) > 100
    assert {name for name in found[0].items() ^ found[1].items() if not name[0].startswith("/tmp/work")} == set()


# One key's workspace and another's.

EVERY_WAY = [("GET", "", None), ("PATCH", "", {"ttl_seconds": 60}), ("GET", "/executions", None), ("GET", "/files", None),
             ("GET", "/files/f", None), ("PUT", "/files/f", b"x"), ("DELETE", "/files/f", None), ("GET", "/archive", None),
             ("PUT", "/archive", b"x"), ("POST", "/files", b"--B--"), ("DELETE", "", None)]


def test_the_api_does_not_lead_to_another_keys_workspace(server):
    mine, other = server.key(), server.key()
    id_ = make(server, mine, "bash")
    server.run(f"echo {MARK} > f", "bash", session_id=id_, key=mine)
    for method, path, body in EVERY_WAY:
        headers = {"Content-Type": "multipart/form-data; boundary=B"} if method == "POST" else None
        answer = server.request(method, f"{SESSIONS}/{id_}{path}", body, key=other, headers=headers)
        assert (answer.status, answer.detail) == (404, "Session not found"), (method, path, answer)
    assert server.get(SESSIONS, key=other).json["items"] == []
    own = make_named(server, other, id_)  # the same name is another session
    assert server.request("GET", f"{SESSIONS}/{own}/files", key=other).json["items"] == []
    assert MARK not in server.output("ls; cat f 2>&1; true", "bash", session_id=own, key=other)
    assert server.output("cat f", "bash", session_id=id_, key=mine) == MARK + "\n"


def make_named(server, key, id_):
    answer = server.request("POST", SESSIONS, {"session_id": id_, "workspace": True, "language": "bash"}, key=key)
    assert answer.status == 201, answer
    return id_


SEARCH = r"""
import os
found, seen = [], 0
def look(path):
    global seen
    try:
        if MARK in path: found.append(path)
        if os.path.islink(path): text = os.readlink(path)
        elif os.path.isfile(path):
            with open(path, "rb", buffering=0) as file: text = file.read(65536).decode("latin-1")
        else: return
        seen += 1
        if MARK in text: found.append(path)
    except OSError: pass
MARK = "-".join(["secret", "of", "the", "other", "workspace", "83c1"])
for top in ("/tmp", "/dev/shm", "/dev/mqueue", "/run", "/var", "/home", "/codecell", "/proc"):
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name not in ("task", "fd", "fdinfo", "sys") or folder.count("/") > 2]
        for name in files + folders: look(os.path.join(folder, name))
for number in filter(str.isdigit, os.listdir("/proc")):
    for place in ("root/tmp/work/f", "cwd/f", "environ", "cmdline", "root/proc/1/environ"):
        look(f"/proc/{number}/{place}")
print(seen > 100, [path for path in found if "/tmp/work/main.py" not in path])
"""


HIDE = f"""
import os
open("f", "w").write("{MARK}"); open("/dev/shm/{MARK}", "w").write("{MARK}")
"""
HOLD = f"""
import os, subprocess
subprocess.run(["env", "X={MARK}", "sleep", "100"])
"""


def test_a_program_does_not_reach_another_keys_workspace(server):
    """Neither while that is awake and busy beside it, nor after its end, nor in a new workspace."""
    mine, other = server.key(), server.key()
    id_, own = make(server, mine, "python"), make(server, other, "python")
    server.run(HIDE, "python", session_id=id_, key=mine)
    assert "/tmp/work/f" in server.output(SEARCH, "python", session_id=id_, key=mine)  # it finds what is there
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(server.run, HOLD, "python", session_id=id_, key=mine, timeout=120)
        wait_for("busy", lambda: server.get(f"{SESSIONS}/{id_}", key=mine).json["state"] == "busy")
        assert server.output(SEARCH, "python", session_id=own, key=other, timeout=60) == "True []\n"
        server.request("DELETE", f"{SESSIONS}/{id_}", key=mine)
        assert running.result()["status"] == "cancelled"
    for again in (own, make(server, other, "python")):
        assert server.output(SEARCH, "python", session_id=again, key=other, timeout=60) == "True []\n"
