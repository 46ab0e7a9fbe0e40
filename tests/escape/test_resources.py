"""Programs that take all they can get: their limits stop them, and others are served meanwhile."""
import os

import pytest

from codecell import in_parallel, serving, wait_for


ENDS = ("completed", "failed", "timed_out", "out_of_memory")


def memory_of(server):
    """The server's resident memory in bytes."""
    with open(f"/proc/{server.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


@pytest.mark.parametrize("language,code", [
    ("python", "while True: pass"), ("bash", "while :; do :; done"), ("javascript", "for (;;);"),
    ("c", "int main(void) { for (;;); }"),
])
def test_loop_for_ever(server, language, code):
    with serving(server):
        answer = server.execute(code, language, timeout=1)
        assert (answer.status, answer.json["exit_code"], answer.json["status"]) == (500, 124, "timed_out")


def test_ignore_every_signal(server):
    code = ("import os, signal\nfor n in range(1, 65):\n"
            "    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass\n"
            "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
            "while True:\n    try: os.fork() or signal.pause()\n    except OSError: signal.pause()")
    with serving(server):
        assert server.execute(code, timeout=1).json["exit_code"] == 124


@pytest.mark.parametrize("code,language", [
    (":(){ :|:& };:; wait", "bash"), ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", "python"),
    ("#include <unistd.h>\nint main(void) { for (;;) { fork(); setsid(); } }", "c"),
    ("#include <unistd.h>\nint main(void) { for (;;) if (vfork() == 0) _exit(0); }", "c"),
], ids=["bash", "python", "c", "vfork"])
def test_fork_until_refused(server, code, language):
    with serving(server):
        answer = server.execute(code, language, timeout=2, limits={"processes": 64})
        assert answer.status in (200, 500) and answer.json["status"] in ENDS, answer


def test_threads_count_as_processes(server):
    code = ("import threading, time\nn = 0\ntry:\n    while n < 100:\n"
            "        threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); n += 1\n"
            "except RuntimeError: pass\nprint(n, flush=True)\nimport os; os._exit(0)")
    with serving(server):
        assert server.output(code, limits={"processes": 16}) == "15\n"


@pytest.mark.parametrize("code", [
    "x = []\nwhile True: x.append(b'x' * 1_000_000)",
    "import mmap\nx = []\nwhile True:\n    x.append(mmap.mmap(-1, 1 << 24)); x[-1].write(b'x' * (1 << 24))",
    "import os\nwhile True:\n    if os.fork() == 0:\n        x = bytearray(b'x' * 50_000_000)\n"
    "        while True: pass",
    "import os\nx = []\nwhile True:\n    f = os.memfd_create('x'); x.append(f); os.write(f, b'x' * (1 << 22))",
    "import socket\nx = []\nwhile True:\n    a, b = socket.socketpair(); x += [a, b]; a.setblocking(False)\n"
    "    a.setsockopt(1, 7, 1 << 22)\n    try:\n        while True: a.send(b'x' * 65536)\n    except OSError: pass",
], ids=["heap", "mmap", "children", "memfd", "sockets"])
def test_eat_memory(server, code):
    with serving(server):
        answer = server.execute(code, timeout=8, limits={"memory_mb": 64, "disk_mb": 16})
        result = answer.json
        assert result["status"] in ("out_of_memory", "timed_out", "failed") and result["exit_code"] != 0, result
        assert result["memory_mb"] <= 64 + 16 + 32


def test_eat_memory_by_the_files_it_writes(server):
    code = ("x = bytearray(40_000_000)\nfor i in range(0, len(x), 4096): x[i] = 1\n"
            "with open('f', 'wb') as f:\n    for i in range(60): f.write(b'x' * 1_000_000)\nprint('both')")
    with serving(server):
        assert server.output(code, limits={"memory_mb": 64, "disk_mb": 64}) == "both\n"
        result = server.run(code.replace("40_000_000", "110_000_000"), limits={"memory_mb": 64, "disk_mb": 64})
        assert result["status"] == "out_of_memory"


FILL = """
import errno, os
def fill(path):
    total = 0
    try:
        with open(path, 'wb', buffering=0) as f:
            while True: total += f.write(b'x' * 65536)
    except OSError as e:
        return total, errno.errorcode[e.errno]
"""


def test_fill_the_disk(server):
    with serving(server):
        out = server.output(FILL + "print(*fill('f'))", limits={"disk_mb": 16})
    total, why = out.split()
    assert why in ("ENOSPC", "EFBIG") and 14 << 20 <= int(total) <= 16 << 20


def test_the_disk_is_one_budget(server):
    with serving(server):
        out = server.output(FILL + "home = os.environ.get('HOME', '.')\n"
                            "print(fill('f')[0] + fill('/tmp/f')[0] + fill(home + '/g')[0])", limits={"disk_mb": 16})
    assert int(out) <= 16 << 20


def test_shared_memory_is_limited(server):
    with serving(server):
        out = server.run(FILL + "print(*fill('/dev/shm/f'))", limits={"memory_mb": 128, "disk_mb": 16})
    assert out["status"] == "out_of_memory" or int(out["stdout"].split()[0]) <= 64 << 20


def test_fill_its_inodes(server):
    code = ("import errno\nn = 0\ntry:\n    while True: open(f'f{n}', 'w').close(); n += 1\n"
            "except OSError as e: print(n, errno.errorcode[e.errno])")
    with serving(server):
        count, why = server.output(code, limits={"disk_mb": 8}, timeout=60).split()
    assert why == "ENOSPC" and 100 < int(count) < 1_000_000


def test_a_deep_tree(server):
    code = ("import os\ndepth = 0\ntry:\n    while depth < 20000: os.mkdir('d'); os.chdir('d'); depth += 1\n"
            "except OSError: pass\nprint(depth > 100)")
    with serving(server):
        assert server.output(code, timeout=60) == "True\n"


def test_what_it_may_not_delete_again(server):
    code = "mkdir -p a/b; touch a/b/c; chmod 0 a/b a; mkdir -m 0 x; echo 1"
    with serving(server):
        assert server.output(code, "bash") == "1\n"


@pytest.mark.parametrize("code,language", [
    ("yes", "bash"), ("cat /dev/urandom", "bash"), ("cat /dev/zero >&2", "bash"),
    ("cat /dev/urandom | tee /dev/stderr", "bash"),
    ("while True: print('x' * 100)", "python"), ("for (;;) console.log('x'.repeat(1000));", "javascript"),
], ids=["yes", "binary", "stderr", "both", "python", "javascript"])
def test_print_for_ever(server, code, language):
    server.run("print(1)")
    before = memory_of(server)
    with serving(server):
        answer = server.execute(code, language, timeout=4 if language == "bash" else 5, limits={"output_kb": 64})
        result = answer.json
        assert result["stdout_truncated"] or result["stderr_truncated"], answer
        assert len(result["stdout"]) <= 64 * 1024 and len(result["stderr"]) <= 64 * 1024
        assert memory_of(server) - before < 150_000_000


def test_print_a_last_word_and_run_on(server):
    code = "import os, time\nos.write(1, b'last')\nos.close(1); os.close(2); os.close(0)\ntime.sleep(100)"
    with serving(server):
        answer = server.execute(code, timeout=5)
        assert (answer.status, answer.json["stdout"]) == (500, "last")


def test_wait_for_input(server):
    with serving(server):
        assert server.run("input()")["exit_code"] == 1
        assert server.run("cat; read x; echo $?", "bash")["stdout"] == "1\n"
        answer = server.execute("import os\nr, w = os.pipe()\nos.read(r, 1)", timeout=1)
        assert answer.json["exit_code"] == 124


def test_never_read_its_input(server):
    with serving(server):
        answer = server.execute("import time\ntime.sleep(100)", timeout=1, stdin="x" * 10_000_000)
        assert answer.json["exit_code"] == 124


@pytest.mark.parametrize("how", [
    "(sleep 3333 &)", "setsid sleep 3333 &", "nohup sleep 3333 >/dev/null 2>&1 &",
    "for i in $(seq 20); do (trap '' TERM HUP INT; exec sleep 3333) & done",
    "(while :; do (sleep 3333 & ); sleep 0.01; done) & sleep 0.2",
])
def test_leave_children_behind(server, how):
    with serving(server):
        result = server.run(how + "\necho end", "bash", timeout=30)
        assert (result["stdout"], result["exit_code"]) == ("end\n", 0)
    assert wait_for("their end", lambda: not processes(b"sleep\0003333\0"))


def processes(command):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read() == command:
                    found.append(pid)
        except OSError:
            pass
    return found


def test_open_descriptors_until_refused(server):
    code = ("import errno, os\nn = 0\ntry:\n    while n < 200000: os.dup(0); n += 1\n"
            "except OSError as e: print(errno.errorcode[e.errno])")
    with serving(server):
        assert server.output(code) == "EMFILE\n"


def test_no_core_dumps(server):
    """A limit of 1 byte, because one of 0 does not keep the kernel from starting the host's program for cores."""
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
    assert server.output(code) == "(1, 1)\n"
    assert server.run("ulimit -c unlimited; (kill -SEGV $BASHPID); ls", "bash")["stdout"] == "main.sh\n"


def test_the_cpu_limit_is_for_all_of_it_together(server):
    code = ("import os, time\nfor _ in range(3): os.fork()\nt = time.monotonic()\n"
            "while time.monotonic() - t < 2: pass\n")
    with serving(server):
        result = server.run(code + "try:\n    while True: os.wait()\nexcept OSError: pass",
                            limits={"cpu": 0.5}, timeout=20)
    assert result["cpu_time"] / result["execution_time"] < 0.75, result


def test_quotas_of_a_user_are_not_shared_between_cells(server):
    """inotify instances are counted by user across containers: who takes all takes only their own."""
    grab = ("import ctypes, time\nc = ctypes.CDLL(None)\nn = 0\n"
            "while c.inotify_init() >= 0: n += 1\nprint(n > 0, flush=True)\n")
    holder = server.begin(grab + "time.sleep(60)")
    try:
        server.wait_status("running")
        assert server.output(grab) == "True\n"
    finally:
        holder.leave()


def test_many_of_all_kinds_at_once(server):
    bad = [("while True: pass", "python"), ("yes", "bash"), (":(){ :|:& };:; wait", "bash"),
           ("x = []\nwhile True: x.append(b'x' * 1_000_000)", "python")]
    with serving(server):
        answers = in_parallel([lambda b=b: server.execute(*b, timeout=2, limits={"memory_mb": 64}) for b in bad])
        assert all(answer.status in (200, 500) and answer.json["status"] for answer in answers), answers
