"""The agent is PID 1 of the cell, of the same user as the program: it can't be read, ended, changed or spoken for."""
import pytest

from attempts import assert_refused, results
from codecell import docker, serving, top, wait_for


@pytest.mark.parametrize("path", ["mem", "maps", "smaps", "environ", "fd", "fdinfo", "exe", "cwd", "root", "auxv", "io",
                                  "stack", "syscall", "map_files", "ns", "pagemap", "personality"])
def test_its_proc_cannot_be_read(server, path):
    code = f"""
import os
p = '/proc/1/{path}'
for what in (os.listdir, os.readlink, lambda p: open(p, 'rb').read(1), lambda p: open(p, 'r+b')):
    try:
        got = what(p)
        if path_is_open(got, p): print('GOT', what, got)
    except OSError: pass
"""
    # The names in ns/ may be listed; following one is what counts.
    code = ("import os\ndef path_is_open(got, p):\n    return not p.endswith('/ns') or any(follow(p, n) for n in got)\n"
            "def follow(p, n):\n    try: return os.readlink(p + '/' + n)\n    except OSError: return None\n") + code
    with serving(server):
        assert server.output(code) == ""


def test_its_proc_cannot_be_written(server):
    code = """
import os
for name in sorted(os.listdir('/proc/1')):
    if name in ('task', 'ns', 'net', 'attr', 'map_files', 'fd', 'fdinfo', 'cwd', 'root', 'exe'): continue
    try:
        with open('/proc/1/' + name, 'wb', buffering=0) as f: f.write(b'1')
        print('WROTE', name)
    except OSError: pass
for name in ('oom_score_adj', 'comm', 'mem'):
    try:
        with open('/proc/1/task/1/' + name, 'wb', buffering=0) as f: f.write(b'1')
        print('WROTE task', name)
    except OSError: pass
"""
    with serving(server):
        assert server.output(code) == ""


def test_what_may_be_seen_of_it_tells_nothing(server):
    out = server.run("cat /proc/1/cmdline /proc/1/status /proc/1/stat /proc/1/limits | tr '\\0' ' '", "bash")["stdout"]
    assert "cc_" not in out and "KEY" not in out.upper().replace("MONKEY", "")


@pytest.mark.parametrize("number", [1, 2, 3, 6, 9, 10, 11, 12, 14, 15, 17, 18, 19, 20, 23, 31, 34, 64])
def test_signals_do_not_reach_it(server, number):
    code = (f"import ctypes, os, signal, time\nc = ctypes.CDLL(None)\nos.kill(1, {number})\n"
            f"c.syscall(200, 1, {number}); c.syscall(234, 1, 1, {number})\n"
            "time.sleep(0.05)\nprint('still', flush=True)\nos._exit(7)")
    if number in (1, 9, 19):
        with serving(server):
            result = server.run(code)
    else:
        result = server.run(code)
    assert (result["stdout"], result["exit_code"], result["signal"]) == ("still\n", 7, None)


def test_killing_everything_kills_the_program_alone(server):
    with serving(server):
        result = server.run("import os, time\nif os.fork() == 0: time.sleep(60)\nos.kill(-1, 9)\n"
                            "print('still', os.wait()[1], flush=True)\nos._exit(3)")
        assert (result["stdout"], result["exit_code"]) == ("still 9\n", 3)
        result = server.run("kill -9 -1; echo never", "bash")
        assert result["stdout"] in ("", "never\n")


def test_it_cannot_be_traced_or_changed(server):
    with serving(server):
        found = results(server, r"""
    struct { unsigned long cur, max; } low = {0, 0};
    unsigned long mask = 1;
    int param[12] = {0};
    struct iovec mine = {buffer, 8}, theirs = {(void *)0x400000, 8};
    unsigned attr[12] = {48, 0};
    TRY("attach", syscall(SYS_ptrace, 16, 1, 0, 0)); TRY("seize", syscall(SYS_ptrace, 0x4206, 1, 0, 0));
    TRY("vm_readv", syscall(SYS_process_vm_readv, 1, &mine, 1, &theirs, 1, 0));
    TRY("vm_writev", syscall(SYS_process_vm_writev, 1, &mine, 1, &theirs, 1, 0));
    int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
    TRY("kcmp", syscall(SYS_kcmp, 1, getpid(), 0, 0, 0));
    for (int fd = 0; fd < 32; fd++)
        TRY("pidfd_getfd", pidfd < 0 ? -1L : syscall(SYS_pidfd_getfd, pidfd, fd, 0));
    for (int r = 0; r < 16; r++)
        TRY("prlimit", syscall(SYS_prlimit64, 1, r, &low, 0));
    TRY("prlimit high", syscall(SYS_prlimit64, 0x100000001UL, RLIMIT_NOFILE, &low, 0));
    TRY("prlimit sign", syscall(SYS_prlimit64, 0xffffffff00000001UL, RLIMIT_CPU, &low, 0));
    TRY("setpriority", syscall(SYS_setpriority, PRIO_PROCESS, 1, 19));
    TRY("setpriority high", syscall(SYS_setpriority, PRIO_PROCESS, 0x100000001UL, 19));
    TRY("setpriority which", syscall(SYS_setpriority, 0x100000000UL | PRIO_PROCESS, 1, 19));
    TRY("setpriority group", syscall(SYS_setpriority, PRIO_PGRP, 1, 19));
    TRY("setpriority user", syscall(SYS_setpriority, PRIO_USER, getuid(), 19));
    TRY("setpriority this user", syscall(SYS_setpriority, PRIO_USER, 0, 19));
    TRY("setpriority user high", syscall(SYS_setpriority, 0x100000000UL | PRIO_USER, 0, 19));
    TRY("affinity", syscall(SYS_sched_setaffinity, 1, sizeof mask, &mask));
    TRY("affinity high", syscall(SYS_sched_setaffinity, 0x100000001UL, sizeof mask, &mask));
    TRY("scheduler idle", syscall(SYS_sched_setscheduler, 1, 5, param));
    TRY("scheduler batch", syscall(SYS_sched_setscheduler, 0x100000001UL, 3, param));
    TRY("param", syscall(SYS_sched_setparam, 1, param)); TRY("attr", syscall(SYS_sched_setattr, 1, attr, 0));
    TRY("attr high", syscall(SYS_sched_setattr, 0x100000001UL, attr, 0));
    TRY("ioprio", syscall(SYS_ioprio_set, 1, 1, 3 << 13)); TRY("ioprio group", syscall(SYS_ioprio_set, 2, 1, 3 << 13));
    TRY("ioprio user", syscall(SYS_ioprio_set, 3, getuid(), 3 << 13));
    TRY("ioprio this user", syscall(SYS_ioprio_set, 3, 0, 3 << 13));
    TRY("ioprio high", syscall(SYS_ioprio_set, 0x100000001UL, 0x100000001UL, 3 << 13));
    TRY("join its session", setpgid(0, 1)); TRY("its group", setpgid(1, 0));
    TRY("migrate_pages", syscall(SYS_migrate_pages, 1, 8, &mask, &mask));
    TRY("move_pages", syscall(SYS_move_pages, 1, 0, 0, 0, 0, 0));
    TRY("robust_list", syscall(SYS_get_robust_list, 1, buffer, buffer + 8));
    TRY("madvise", pidfd < 0 ? -1L : syscall(SYS_process_madvise, pidfd, &theirs, 1, 21, 0));
    TRY("coredump_filter", open("/proc/1/coredump_filter", O_WRONLY));
    TRY("oom", open("/proc/1/oom_score_adj", O_WRONLY));
""")
    assert_refused(found, also={"ESRCH"})


def frames():
    """Frames in the agent's format (docker/wire/frame.h) that report success."""
    def frame(kind, step=0, channel=0, payload=b""):
        return bytes([kind, step, channel, 0]) + len(payload).to_bytes(4, "little") + payload
    end = bytes(4) + bytes(4) + bytes(4) + bytes(4) + (1).to_bytes(8, "little") * 3
    return (frame(64, payload=(1).to_bytes(4, "little")) + frame(65, 2, 1, b"forged") + frame(66, 2, 0, end)
            + frame(67, payload=bytes(8)) + frame(68, payload=bytes(8)))


def test_frames_of_its_own_are_output_and_nothing_more(server):
    sent = frames() * 3 + bytes([1, 0, 0, 0, 0, 0, 0, 4]) + b"head"  # and the engine's own stream header
    code = f"import os, sys\nsent = {sent!r}\nos.write(1, sent); os.write(2, sent)\nsys.exit(5)"
    with serving(server):
        result = server.run(code)
    clean = sent.decode("utf-8", errors="replace")
    assert (result["stdout"], result["stderr"]) == (clean, clean)
    assert (result["exit_code"], result["status"], result["timed_out"]) == (5, "failed", False)


def test_frames_on_every_descriptor_it_can_find(server):
    code = f"""
import os, sys
sent = {frames()!r}
for n in range(3, 4096):
    try: os.write(n, sent); print('WROTE', n)
    except OSError: pass
for pid in filter(str.isdigit, os.listdir('/proc')):
    if pid == str(os.getpid()): continue
    for n in range(0, 300):
        try:
            fd = os.open(f'/proc/{{pid}}/fd/{{n}}', os.O_WRONLY)
            os.write(fd, sent); print('WROTE', pid, n)
        except OSError: pass
sys.exit(6)
"""
    with serving(server):
        result = server.run(code)
    assert (result["stdout"], result["exit_code"]) == ("", 6)


def test_the_streams_of_the_container_are_out_of_reach(server):
    paths = ["/proc/1/fd/0", "/proc/1/fd/1", "/proc/1/fd/2", "/dev/console", "/dev/tty", "/dev/pts/0", "/dev/ptmx"]
    code = (f"import os\nfor p in {paths}:\n"
            "    try:\n        os.write(os.open(p, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY), b'x')\n"
            "        print('WROTE', p)\n    except OSError: pass")
    out = server.output(code)
    assert out in ("", "WROTE /dev/ptmx\n")


def test_a_program_that_poses_as_the_agent(server):
    """Another process with the agent's name that reads and writes what the agent would."""
    code = ("import ctypes, os, sys\nctypes.CDLL(None).prctl(15, b'codecell-agent', 0, 0, 0)\n"
            f"sent = {frames()!r}\nos.write(1, sent)\n"
            "if os.fork() == 0:\n    os.setsid()\n    os.write(1, sent)\n    os._exit(0)\n"
            "os.wait()\nsys.exit(9)")
    assert server.run(code)["exit_code"] == 9


def test_the_program_is_a_session_of_its_own(server):
    code = "import os; print(os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid(), os.getppid())"
    assert server.output(code) == "True True 1\n"


def test_a_flood_of_orphans_is_reaped(server):
    """If they were not reaped, the limit of processes would soon be reached for good."""
    code = """
import os
def fork():
    while True:
        try: return os.fork()
        except BlockingIOError: pass
for i in range(500):
    if fork() == 0:
        fork()
        os._exit(0)
    os.wait()
print('end')
"""
    with serving(server):
        assert server.output(code, limits={"processes": 16}, timeout=60) == "end\n"


def test_the_agent_is_left_alone_by_a_stop_of_its_children(server):
    with serving(server):
        result = server.execute("kill -STOP $$; echo never", "bash", timeout=1).json
    assert (result["stdout"], result["exit_code"]) == ("", 124)


def test_an_agent_killed_from_outside_is_an_error_that_says_so(server):
    running = server.begin("echo before; sleep 300", "bash", session_id="doomed")
    server.wait_status("running", session_id="doomed")

    def busy():
        return [cell["id"] for cell in server.containers() if "sleep 300" in top(cell["id"])]
    with serving(server):
        docker("kill", *wait_for("the busy cell", busy))
        answer = running.answer()
    assert answer.status == 500 and answer.json["detail"].startswith("Execution failed: "), answer
    server.wait_status("failed", session_id="doomed")
