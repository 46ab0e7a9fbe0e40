"""A capsule from within and from outside: what a program tries on the walls of its own capsule, and capsules, keepers and
containers that end at a bad moment. Only what is other than in a container of its own; the rest is in the other files."""
import contextlib
import json
import os
import signal
from pathlib import Path

import pytest

from attempts import assert_refused, battery, results
from codecell import Server, docker, host_pids, in_parallel, wait_for
from holding import HOLD, holding

SETTINGS = {"CODECELL_REUSE": "any", "CODECELL_POOL": "python=1,c=1,bash=1,*=0", "CODECELL_REUSE_JOBS": 10000}


@pytest.fixture(scope="module")
def server():
    """Of its own, because containers that end here would be missed by the others."""
    with Server(SETTINGS) as one:
        yield one.start()


def containers_of(server, language):
    return [cell["id"] for cell in server.containers(running=True) if cell["labels"]["io.codecell.language"] == language]


def status_of(number, name):
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{number}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return line.split(":", 1)[1].split()
    return []


def keeper_and_init(container):
    """The host's process ids of process 1 of the container, and of process 1 of its capsule."""
    firsts = {number: ids for number in host_pids(container) if (ids := status_of(number, "NSpid")) and ids[-1] == "1"}
    keeper, init = sorted(firsts, key=lambda number: len(firsts[number]))
    return keeper, init


# From within.

def test_the_program_sees_its_own_capsule_alone(server):
    out = json.loads(server.output("""
import json, os
print(json.dumps([sorted(int(p) for p in os.listdir("/proc") if p.isdigit()), os.getppid(),
                  [line.split()[1:] for line in open("/proc/self/status") if line.startswith("NSpid")],
                  open("/proc/self/uid_map").read().split(), os.getuid(), open("/proc/self/setgroups").read(),
                  open("/proc/self/cgroup").read()]))
"""))
    pids, parent, levels, mapped, user, groups, cgroup = out
    assert pids[0] == 1 and len(pids) == 2 and parent == 1 and levels == [[str(pids[1])]]
    assert mapped == [str(user), str(user), "1"] and groups == "deny\n"
    assert all(line.endswith(":/") for line in cgroup.split()), cgroup


def test_each_job_has_namespaces_of_its_own(server):
    kinds = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
    seen, held = [[os.readlink(f"/proc/self/ns/{kind}") for kind in kinds]], []
    try:
        for _ in range(5):
            running = server.begin(HOLD)
            mark, = wait_for("a program that holds", lambda: holding(server))
            namespaces = mark.parents[2] / "ns"
            seen.append([os.readlink(namespaces / kind) for kind in kinds])
            held += [os.open(namespaces / kind, os.O_RDONLY) for kind in kinds]  # else the next may get its number
            mark.unlink()
            assert running.answer().json["exit_code"] == 0
    finally:
        for number in held:
            os.close(number)
    for host, *jobs in zip(*seen):
        assert host not in jobs and (len(set(jobs)) == 5 or host.startswith("net:")), jobs


def test_the_walls_cannot_be_moved(server):
    """Each thing that the agent did when it made the capsule, tried again by the program."""
    found = results(server, r"""
    int own = (int)getuid();
    char map[64];
    snprintf(map, sizeof map, "%d %d 1\n", own, own);
#define WRITE(path, text) ({ int fd_ = open(path, O_WRONLY); fd_ < 0 ? -1 : write(fd_, text, strlen(text)); })
    TRY("uid_map", WRITE("/proc/self/uid_map", map)); TRY("gid_map", WRITE("/proc/self/gid_map", map));
    TRY("root map", WRITE("/proc/self/uid_map", "0 0 1\n")); TRY("setgroups", WRITE("/proc/self/setgroups", "allow"));
    TRY("uid_map of 1", WRITE("/proc/1/uid_map", "0 0 1\n")); TRY("timens", WRITE("/proc/self/timens_offsets", "monotonic 1 1\n"));
    TRY("namespaces", WRITE("/proc/sys/user/max_user_namespaces", "100"));
    TRY("memory", WRITE("/proc/sys/net/ipv4/tcp_rmem", "4096 131072 6291456"));
    TRY("somaxconn", WRITE("/proc/sys/net/core/somaxconn", "4096")); TRY("last pid", WRITE("/proc/sys/kernel/ns_last_pid", "1000"));
    TRY("host name", WRITE("/proc/sys/kernel/hostname", "x")); TRY("msg_max", WRITE("/proc/sys/fs/mqueue/msg_max", "1000"));
    TRY("shm_next_id", WRITE("/proc/sys/kernel/shm_next_id", "1000")); TRY("sem", WRITE("/proc/sys/kernel/sem", "1 1 1 1"));
    TRY("cgroup", open("/sys/fs/cgroup/own", O_CREAT | O_WRONLY, 0600)); TRY("cgroup folder", mkdir("/sys/fs/cgroup/x", 0700));
    TRY("limit", WRITE("/sys/fs/cgroup/memory/memory.limit_in_bytes", "-1")); TRY("limit of 2", WRITE("/sys/fs/cgroup/memory.max", "max"));
    TRY("unlink", unlink("/sys/fs/cgroup/memory/memory.limit_in_bytes")); TRY("rename", rename("/sys/fs/cgroup/memory", "/sys/fs/cgroup/m"));
    TRY("unmount tmp", umount2("/tmp", MNT_DETACH)); TRY("unmount mask", umount2("/proc/keys", MNT_DETACH));
    TRY("unmount sys", umount2("/proc/sys", MNT_DETACH)); TRY("unmount proc", umount2("/proc", MNT_DETACH));
    TRY("remount", mount(0, "/proc/sys", 0, MS_REMOUNT | MS_BIND, 0)); TRY("over", mount("proc", "/tmp", "proc", 0, 0));
    TRY("move", mount("/proc/keys", "/tmp", 0, MS_MOVE, 0)); TRY("bind", mount("/", "/tmp", 0, MS_BIND | MS_REC, 0));
    TRY("root", chroot("/tmp")); TRY("pivot", syscall(SYS_pivot_root, "/tmp", "/tmp"));
    TRY("capsule", syscall(SYS_clone, 0x7e020000 | SIGCHLD, 0, 0, 0, 0));
    TRY("lock", syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS));
    TRY("flags up", ({ int s = socket(AF_INET, SOCK_STREAM, 0); char ifr[40] = "lo"; syscall(SYS_ioctl, s, 0x8914, ifr); }));
    TRY("join init", ({ int p = (int)syscall(SYS_pidfd_open, 1, 0); syscall(SYS_setns, p, CLONE_NEWUSER); }));
""")
    assert_refused(found, also={"EROFS", "ENOENT", "ENOTTY", "EBADF", "EINVAL"})
    for name in ("remount", "over", "move", "bind", "root", "pivot", "capsule", "lock", "unmount tmp", "unmount mask"):
        assert found[name] == "EPERM", (name, found[name])


def test_the_streams_of_the_keeper_are_not_there(server):
    """No process of a capsule but its process 1 has the container's streams, and that one has no standard error."""
    running = server.begin("import time; time.sleep(60)")
    try:
        server.wait_status("running")

        def streams():
            for container in containers_of(server, "python"):
                with contextlib.suppress(OSError, ValueError):  # it is being made, or it ends
                    keeper, init = keeper_and_init(container)
                    links = {number: [os.readlink(f"/proc/{number}/fd/{fd}") for fd in os.listdir(f"/proc/{number}/fd")] for number in host_pids(container)}
                    program = Path(f"/proc/{init}/root/tmp/work/main.py")
                    if program.exists() and b"time.sleep(60)" in program.read_bytes() and any(
                            b"main.py" in Path(f"/proc/{number}/cmdline").read_bytes() for number in links):
                        return keeper, init, links, [os.readlink(f"/proc/{keeper}/fd/{fd}") for fd in (0, 1, 2)]
            return None
        keeper, init, links, (stdin, stdout, stderr) = wait_for("the program's container", streams)
    finally:
        running.leave()
    assert stdout in links[init] and stdin in links[init]
    assert {number for number, found in links.items() if stderr in found} == {keeper}
    assert not [number for number, found in links.items() if number not in (keeper, init) and {stdin, stdout, stderr} & set(found)]


def test_user_namespaces_are_used_up(server):
    """Whatever a program does to have as many as may be, the next capsules are made."""
    code = r"""
    for (int i = 0; i < 2000; i++) {
        if (i < 20 && fork() == 0) { syscall(SYS_unshare, CLONE_NEWUSER); syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0); pause(); _exit(0); }
        syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS);
    }
    TRY("user", syscall(SYS_unshare, CLONE_NEWUSER));
"""
    for _ in range(3):
        assert results(server, code) == {"user": "EPERM"}
    assert server.output("echo 1", "bash") == "1\n"


# From outside.

def nothing_of(container, numbers):
    """Waits until the container, its processes and its cgroup are gone."""
    wait_for("the container's end", lambda: not docker("ps", "-aq", "--no-trunc", "--filter", f"id={container}").split())
    wait_for("its processes' end", lambda: not [n for n in numbers if Path(f"/proc/{n}").exists()])
    wait_for("its cgroup's end", lambda: not list(Path("/sys/fs/cgroup").glob(f"*/docker/{container}"))
             and not list(Path("/sys/fs/cgroup").glob(f"*/docker-{container}.scope")))


def busy(server, language, word):
    """The container in which a program with this word in its command line runs."""
    def found():
        for container in containers_of(server, language):
            for number in host_pids(container):
                with contextlib.suppress(OSError):
                    if word.encode() in Path(f"/proc/{number}/cmdline").read_bytes():
                        return container
        return None
    return wait_for(f"a program with {word}", found)


@pytest.mark.parametrize("who", ["keeper", "init"])
def test_killed_while_a_job_runs(server, who):
    """The kernel's memory killer may do that: the job is lost, its container goes, and nothing of it is left."""
    running = server.begin(f"exec sleep 3{who == 'init':d}77", "bash", session_id=who)
    container = busy(server, "bash", f"3{who == 'init':d}77")
    numbers = host_pids(container)
    os.kill(keeper_and_init(container)[who == "init"], signal.SIGKILL)
    answer = running.answer()
    assert answer.status == 500 and answer.json["detail"].startswith("Execution failed: "), answer
    server.wait_status("failed", session_id=who)
    nothing_of(container, numbers)
    assert server.output("echo 1", "bash") == "1\n"


@pytest.mark.parametrize("who", ["keeper", "init"])
def test_killed_while_it_waits(server, who):
    def killed():
        for container in containers_of(server, "c"):
            with contextlib.suppress(ValueError, ProcessLookupError):  # its capsule is being made, or the pool ends it
                victims, numbers = keeper_and_init(container), host_pids(container)
                os.kill(victims[who == "init"], signal.SIGKILL)
                return container, numbers
        return None
    nothing_of(*wait_for("a container that waits", killed))
    assert server.output("int puts(const char *); int main(void) { puts(\"1\"); }", "c") == "1\n"


def test_memory_runs_out_with_small_processes(server):
    """No process of the program is as large as the agent; what they hold together is more than there is. Whoever is killed, the
    next program has a sound capsule."""
    code = r"""
    for (int i = 0; i < 60; i++)
        if (fork() == 0)
            for (;;) {
                int p[2], fd = memfd_create("x", 0);
                static char page[65536];
                for (int n = 0; n < 80; n++) write(fd, page, sizeof page);
                if (fd < 0 || pipe(p)) pause();
            }
    sleep(30);
"""
    for _ in range(3):
        answer = server.execute(battery(code), "c", timeout=20, limits={"memory_mb": 64, "disk_mb": 16})
        assert answer.json.get("status") == "out_of_memory" or "Execution failed" in answer.json.get("detail", ""), answer
        assert server.output("int puts(const char *); int main(void) { puts(\"1\"); }", "c") == "1\n"
    wait_for("sound containers", lambda: all(host_pids(cell["id"]) for cell in server.containers()))


def test_many_end_at_once(server):
    """A crowd of programs that all kill whatever they can."""
    code = "import os, signal\nfor n in (9, 19, 15): \n    try: os.kill(-1, n); os.kill(1, n)\n    except OSError: pass\nprint('still', flush=True); os.kill(os.getpid(), 9)"
    keys = [server.key() for _ in range(2)]
    answers = in_parallel([lambda k=k: server.execute(code, key=k) for k in keys * 10])
    assert {(answer.json["stdout"], answer.json["signal"]) for answer in answers} == {("still\n", "SIGKILL")}
