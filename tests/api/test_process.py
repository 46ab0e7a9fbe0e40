"""What the server's process asks of its machine."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codecell import Server


def autogroup(process):
    """Its group on the processors, such as "/autogroup-12 nice 0". "": it has none, because the kernel does not group
    by sessions, or because neither it nor a process above it began a session."""
    path = Path(f"/proc/{process}/autogroup")
    return path.read_text(encoding="ascii").strip() if path.exists() else ""


def sessions_are_groups():
    """Whether a new session is a group of its own on the processors."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        group = autogroup(process.pid)
        process.kill()
    return group not in ("", autogroup("self"))


def may_raise(process):
    """Whether it has CAP_SYS_NICE, the 23rd bit."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("CapEff:")[2].split()[0], 16) >> 23 & 1


def may_be_real_time():
    """Whether the kernel lets a child of this process, which may do what the server may, be a real-time process. The
    server does not ask if it was started with another policy or with a lower priority."""
    if os.sched_getscheduler(0) != os.SCHED_OTHER or os.getpriority(os.PRIO_PROCESS, 0) > 0:
        return False
    ask = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"
    return subprocess.run([sys.executable, "-c", ask], check=False, capture_output=True).returncode == 0


def policy(task):
    return os.sched_getscheduler(task) & ~os.SCHED_RESET_ON_FORK


def policies(process):
    """Of its threads: of the first one, which is the loop's, and of all others."""
    of = {int(task): policy(int(task)) for task in os.listdir(f"/proc/{process}/task")}
    return of.pop(process), set(of.values())


@pytest.mark.parametrize("alone", [True, False], ids=["session of its own", "session of others"])
def test_its_part_of_the_processors(alone):
    """Only a server that is alone in its session asks for more, because the part is the session's."""
    with Server({"CODECELL_POOL": "*=0"}, languages=[]) as server:
        if alone:
            server.command.insert(0, "setsid")
        server.start()
        assert os.getsid(server.pid) == (server.pid if alone else os.getsid(0))
        if alone and sessions_are_groups():
            assert autogroup(server.pid).endswith(" nice -15" if may_raise(server.pid) else " nice 0")
        else:
            assert autogroup(server.pid) == autogroup("self")
        loop, others = policies(server.pid)
        assert loop == (os.SCHED_FIFO if alone and may_be_real_time() else policy(0))
        assert others == {policy(0)}


def test_its_descriptors(server):
    """As many as it may have."""
    limits = Path(f"/proc/{server.pid}/limits").read_text(encoding="ascii")
    soft, hard = next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[3:5]
    assert soft == hard
