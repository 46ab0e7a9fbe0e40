"""What a program learns of other cells, or does to them and to the host beyond its limits: locks and watches on what all
cells share, the kernel's lists of all processes and objects, its rank when the host is short of memory, CPU time that is
not counted, and programs that the kernel starts on the host."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from attempts import results
from codecell import serving, wait_for
from holding import MARK, holding

# Locks and watches.

COMMON = r"""
import ctypes, errno, fcntl, json, os, select, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
PATHS = ["/", "/codecell", "/codecell/agent", "/usr", "/usr/bin", os.path.realpath("/usr/bin/env"), sys.executable,
         "/etc", "/etc/passwd", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/dev", "/dev/null", "/dev/zero",
         "/dev/urandom", "/dev/ptmx", "/dev/pts", "/dev/shm", "/dev/mqueue", "/proc", "/proc/meminfo", "/proc/sys",
         "/proc/self/status", "/proc/sys/kernel/hostname", "/proc/locks", "/proc/acpi", "/proc/self/net/dev", "/sys",
         "/sys/firmware", "/sys/devices/system/cpu", "/sys/devices/system/cpu/online", "/sys/class/net/lo/mtu",
         "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/fs/cgroup", "/sys/fs/cgroup/memory",
         "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"]
PATHS += ["/proc/self/ns/" + name for name in sorted(os.listdir("/proc/self/ns"))]
def things(keep=False):
    # each in turn alone, for many of these are one inode within a cell
    for path in PATHS:
        try: fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError: continue
        yield path, fd
        if not keep: os.close(fd)
    yield "eventfd", libc.eventfd(0, 0)
    yield "memfd", os.memfd_create("x")
    yield "pipe", os.pipe()[0]
def whole(kind): return struct.pack("hhqqi4x", kind, 0, 0, 0, 0)
def attempt(call, *args):
    try: return call(*args)
    except OSError: return None
"""

HOLDER = COMMON + f"MARK = {MARK!r}" + r"""
watch, names, held = libc.inotify_init1(os.O_NONBLOCK), {}, []
for name, fd in things(keep=True):  # a closed descriptor takes its file's POSIX locks with it
    held.append(fd)
    attempt(fcntl.flock, fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    for lock in (37, fcntl.F_SETLK): attempt(fcntl.fcntl, fd, lock, whole(fcntl.F_RDLCK))  # 37: F_OFD_SETLK
    number = libc.inotify_add_watch(watch, (name if name[0] == "/" else f"/proc/self/fd/{fd}").encode(), 0xfff)
    if number >= 0: names.setdefault(number, name)
def read():
    data, at = attempt(os.read, watch, 65536) or b"", 0
    while at < len(data):
        number, mask, _, length = struct.unpack_from("iIII", data, at)
        at += 16 + length
        yield names.get(number)
while list(read()): pass  # its own
open(MARK, "w").close()
seen = set()
while os.path.exists(MARK):
    seen.update(read())
    time.sleep(0.01)
seen.update(read())
print(json.dumps({"seen": sorted(seen), "watched": sorted(names.values())}))
"""

FINDER = COMMON + r"""
import subprocess
found = {"flock": [], "lock": [], "tried": []}
for name, fd in things():
    found["tried"].append(name)
    if attempt(lambda: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB) or 1) is None: found["flock"].append(name)
    for ask in (36, fcntl.F_GETLK):  # F_OFD_GETLK
        got = attempt(fcntl.fcntl, fd, ask, whole(fcntl.F_WRLCK))
        if got and struct.unpack("hhqqi4x", got)[0] != fcntl.F_UNLCK: found["lock"].append(name)
    if name.startswith("/"): attempt(os.listdir, fd); attempt(os.read, fd, 1)
attempt(subprocess.run, ["/codecell/agent"])
subprocess.run(["env", "true"])
print(json.dumps(found))
"""

# The kernel has these once for all: whoever tries the same lock sees it (docs/security.md).
ONCE_FOR_ALL = {"eventfd", "/proc/self/ns/user", "/proc/self/ns/time", "/proc/self/ns/time_for_children",
                "/proc/self/ns/cgroup"}
OWN_AGENT_READS = {"/proc", "/dev/pts"}  # when it counts (docker/agent/tally.c); each cell has its own of them


def test_locks_and_watches_stay_within_a_cell(server):
    with serving(server):
        holder = server.begin(HOLDER, timeout=300)
        try:
            mark, = wait_for("a cell that holds", lambda: holding(server))
            found = json.loads(server.run(FINDER)["stdout"])
            mark.unlink()
            told = json.loads(holder.answer().json["stdout"])
        finally:
            if not holder.done:
                holder.leave()
    assert {"/usr/bin", "/etc/passwd", "/dev/null", "/proc/meminfo"} <= set(told["watched"]) & set(found["tried"])
    assert "eventfd" in found["flock"] and "eventfd" in found["lock"]  # whatever can be seen is seen this way
    assert set(found["flock"]) <= ONCE_FOR_ALL and set(found["lock"]) <= ONCE_FOR_ALL, found
    own = {name for name in told["seen"] if name.startswith("/sys/fs/cgroup") or name in OWN_AGENT_READS}
    assert set(told["seen"]) - own <= ONCE_FOR_ALL, told
    assert not {"/codecell", "/codecell/agent"} & set(told["watched"] + found["tried"])


def test_the_agents_file_is_closed(server):
    found = results(server, r"""
    TRY("file", open("/codecell/agent", O_RDONLY)); TRY("write", open("/codecell/agent", O_WRONLY));
    TRY("folder", open("/codecell", O_RDONLY | O_DIRECTORY)); TRY("truncate", truncate("/codecell/agent", 0));
    TRY("link", link("/codecell/agent", "/tmp/agent"));
""")
    assert set(found.values()) <= {"EACCES", "EROFS", "EXDEV", "EPERM"}, found


# The kernel's lists.

def test_what_tells_of_others_is_masked(server):
    """Files of /proc and /sys that are not empty, except those that programs need."""
    code = """
import os
ours = ("/proc/sys", "/proc/tty", "/proc/sysvipc", "/proc/self", "/proc/thread-self")
for top in ("/proc", "/sys"):
    for folder, folders, files in os.walk(top):
        folders[:] = [f for f in folders if not f.isdigit() and os.path.join(folder, f) not in ours]
        for name in files:
            try:
                with open(os.path.join(folder, name), "rb") as file: data = file.read(1)
            except OSError: continue
            if data: print(os.path.join(folder, name))
"""
    found = server.output(code, timeout=120).splitlines()
    of_proc = {path for path in found if path.startswith("/proc/")}
    assert of_proc <= {"/proc/" + name for name in (
        "cgroups", "consoles", "cpuinfo", "devices", "dma", "execdomains", "fb", "filesystems", "iomem", "ioports",
        "loadavg", "meminfo", "misc", "mounts", "mtrr", "stat", "uptime", "version", "version_signature",
        "vmstat")}, of_proc
    assert {"/proc/meminfo", "/proc/stat", "/proc/cpuinfo", "/proc/uptime", "/proc/loadavg", "/proc/version",
            "/proc/filesystems", "/proc/cgroups", "/sys/devices/system/cpu/online"} <= set(found)
    hidden = ("/sys/firmware", "/sys/module", "/sys/kernel/slab", "/sys/kernel/irq", "/sys/kernel/notes", "/sys/fs/ext4",
              "/sys/devices/virtual/block", "/sys/devices/pci0000:00")
    assert not [path for path in found if path.startswith(hidden)]
    assert not [path for path in found if path.endswith("/stat") and "/block/" in path]


# The host's memory.

CAP_SYS_RESOURCE = 24


def engine_may_fix_ranks():
    """Only a writer with this capability makes the rank that it sets the lowest."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        if text.startswith("Name:\tdockerd\n"):
            return bool(int(text.split("CapEff:")[1].split()[0], 16) >> CAP_SYS_RESOURCE & 1)
    raise AssertionError("no dockerd")


def test_its_rank_when_the_host_is_short_of_memory(server):
    code = """
import json, os
path = "/proc/self/oom_score_adj"
def read(path=path): return int(open(path).read())
def lowered():
    for value in (999, 500, 0, -1, -1000):
        file = os.open(path, os.O_WRONLY)
        try: os.write(file, str(value).encode())
        except OSError: pass
        os.close(file)
    return read()
r, w = os.pipe()
first, agent = read(), read("/proc/1/oom_score_adj")
if os.fork() == 0:
    os.write(w, f"{read()} {lowered()}".encode()); os._exit(0)
os.wait()
print(json.dumps([first, agent, *map(int, os.read(r, 99).split()), lowered()]))
"""
    with serving(server):
        first, agent, child, child_lowered, lowered = json.loads(server.output(code))
    assert (first, agent, child) == (1000, 1000, 1000)
    least = 1000 if engine_may_fix_ranks() else 0
    assert child_lowered >= least and lowered >= least, (child_lowered, lowered)


# CPU time.

BUSY = """
import os, signal, sys, threading, time
def busy():
    end = time.process_time() + 1
    while time.process_time() < end: pass
def unseen(start):
    # waits for the end of all that has the pipe, and for no process
    r, w = os.pipe()
    start(lambda: (busy(), os._exit(0)))
    os.close(w)
    os.read(r, 1)
def child(then):
    if os.fork() == 0: then()
def grandchild(then):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: then()
        os._exit(0)
def killed(then):
    if os.fork() == 0: busy(); os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("code,least", [
    ("busy()", 1.0),
    ("signal.signal(signal.SIGCHLD, signal.SIG_IGN); unseen(child)", 1.0),
    ("signal.signal(signal.SIGCHLD, signal.SIG_IGN); unseen(grandchild)", 1.0),
    ("signal.signal(signal.SIGCHLD, signal.SIG_IGN); unseen(killed)", 1.0),
    ("unseen(child)", 1.0), ("unseen(grandchild)", 1.0),
    ("t = threading.Thread(target=busy); t.start(); t.join()", 1.0),
    ("for _ in range(2): child(lambda: (busy(), os._exit(0)))\nos.wait(); os.wait()", 2.0),
    ("pass", 0.0),
], ids=["plain", "ignored", "ignored-grandchild", "ignored-killed", "child", "grandchild", "thread", "two", "none"])
def test_cpu_time_is_all_of_it(server, code, least):
    result = server.run(BUSY + code)
    assert result["exit_code"] == 0, result
    assert least - 0.01 <= result["cpu_time"] <= least + 0.8, result["cpu_time"]  # and the interpreter's start


# What the kernel starts on the host.

CORE_PATTERN = Path("/proc/sys/kernel/core_pattern")


@pytest.fixture
def core_helper(tmp_path):
    """A program for cores, as Ubuntu has one; the names of the programs that it was started for."""
    log, helper, before = tmp_path / "log", Path(f"/tmp/cc-core-{os.getpid()}"), CORE_PATTERN.read_text()
    helper.write_text(f"#!/bin/sh\necho \"$1\" >>{log}\nexec cat >/dev/null\n")
    helper.chmod(0o755)
    log.touch()
    try:
        CORE_PATTERN.write_text(f"|{helper} %e\n")
        yield lambda: log.read_text().split()
    finally:
        CORE_PATTERN.write_text(before)
        helper.unlink()


CRASHES = """
import ctypes, json, os, resource, signal
libc = ctypes.CDLL(None)
def nothing(): pass
def none(): resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
def all(): resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
def soft(): resource.setrlimit(resource.RLIMIT_CORE, (0, 1))
def by_prlimit(): resource.prlimit(os.getpid(), resource.RLIMIT_CORE, (0, 0))
def by_parent(): resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0))
got = []
for before in (nothing, none, all, soft, by_prlimit, by_parent):
    for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT):
        pid = os.fork()
        if pid == 0:
            libc.prctl(15, b"cc-of-a-cell", 0, 0, 0)
            try: before()
            except (OSError, ValueError): pass
            os.kill(os.getpid(), number)
        status = os.waitpid(pid, 0)[1]
        got.append([os.WTERMSIG(status) == number, os.WCOREDUMP(status)])
print(json.dumps([got, sorted(name for name in os.listdir(".") + os.listdir("/tmp") if "core" in name)]))
"""


def crash_on_the_host(name):
    """With a core limit of 0: what a program in a container had before."""
    code = f"import ctypes, os, resource; ctypes.CDLL(None).prctl(15, b'{name}', 0, 0, 0); " \
           "resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.abort()"
    subprocess.run(["/usr/bin/python3", "-c", code], check=False)


def test_a_crash_starts_nothing_on_the_host(server, core_helper):
    with serving(server):
        crashed, files = json.loads(server.output(CRASHES))
        assert len(crashed) == 18 and all(got == [True, False] for got in crashed), crashed
        assert server.run("kill -SEGV $$", "bash")["signal"] == "SIGSEGV"
        crash_on_the_host("cc-of-the-host")
        wait_for("the host's own program for cores", lambda: "cc-of-the-host" in core_helper())
    assert not {"cc-of-a-cell", "bash"} & set(core_helper()), core_helper()
    assert files == []


def test_a_server_for_cores_is_warned_of(launch):
    """Nothing keeps the kernel from connecting to it."""
    before = CORE_PATTERN.read_text()
    try:
        CORE_PATTERN.write_text(f"@/tmp/cc-cores-{os.getpid()}\n")
    except OSError:  # Linux before 6.16
        assert tuple(map(int, os.uname().release.split(".")[:2])) < (6, 16)
        return
    try:
        one = launch(ready=False)
    finally:
        CORE_PATTERN.write_text(before)
    assert one.wait_event("host.cores", level="warn")["mend"] == "sysctl -w kernel.core_pattern=core"
    assert not launch(ready=False).events("host.cores")


def test_a_crash_leaves_no_core(server):
    """If the host writes cores to files."""
    before = CORE_PATTERN.read_text()
    try:
        CORE_PATTERN.write_text("core\n")
        crashed, files = json.loads(server.output(CRASHES))
    finally:
        CORE_PATTERN.write_text(before)
    assert all(got == [True, False] for got in crashed) and files == []


def test_nothing_has_the_host_load_a_module(server):
    """For a protocol or an algorithm that it does not have yet, the kernel starts the host's modprobe as root."""
    with serving(server):
        found = results(server, r"""
    int tcp = socket(AF_INET, SOCK_STREAM, 0);
    for (int family = 0; family < 64; family++)
        for (int protocol = 0; protocol < 300; protocol += family == AF_INET || family == AF_INET6 ? 1 : 100) {
            char name[64];
            if (family == AF_UNIX || ((family == AF_INET || family == AF_INET6) && (protocol == 0 || protocol == 6)))
                continue;
            snprintf(name, sizeof name, "%d/%d", family, protocol);
            int fd = socket(family, SOCK_STREAM, protocol);
            if (fd >= 0 || (errno != EAFNOSUPPORT && errno != EPERM))
                printf("%s %s\n", name, fd >= 0 ? "done" : strerrorname_np(errno));
            close(fd);
        }
    int key[128] = {AF_INET};
    TRY("md5", setsockopt(tcp, 6, 14, key, 216)); TRY("ulp", setsockopt(tcp, 6, 31, "tls", 3));
    TRY("md5 ext", setsockopt(tcp, 6, 32, key, 216)); TRY("ao", setsockopt(tcp, 6, 38, key, 400));
    TRY("congestion", setsockopt(tcp, 6, 13, "nosuch", 6));
    TRY("alg", socket(38, SOCK_SEQPACKET, 0)); TRY("mount", mount("x", "/tmp", "nosuchfs", 0, 0));
    TRY("key", syscall(SYS_request_key, "user", "x", "x", -3));
""")
    assert set(found) == {"md5", "ulp", "md5 ext", "ao", "congestion", "alg", "mount", "key"}, found
    assert set(found.values()) <= {"ENOPROTOOPT", "ENOENT", "EPERM", "EAFNOSUPPORT"}, found
