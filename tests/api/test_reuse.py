"""Reuse: a cell serves the same key again after a reset to its first state. Whatever a program leaves must be gone; if it
can't be removed, the next program has another cell. No cell ever serves two keys."""
import pytest

from codecell import docker, in_parallel, top, wait_for

SETTINGS = {"CODECELL_REUSE": "key", "CODECELL_POOL": "python=1,bash=1,c=1,javascript=1"}
PLANT = {"python": "import ctypes, errno, fcntl, mmap, os, resource, signal, socket, struct, subprocess, sys, threading, time\n"
                   "c = ctypes.CDLL(None, use_errno=True)\n",
         "bash": "", "c": ""}

# All that a job could leave and a program could see, except what docs/security.md says remains.
LOOK = r"""
import os, resource, socket, stat
print(sorted(open(f'/proc/{p}/comm').read() for p in os.listdir('/proc') if p.isdigit()))
for top in '/tmp', '/dev/shm', '/dev/mqueue':
    space = os.statvfs(top)
    print(top, oct(os.stat(top).st_mode), os.stat(top).st_nlink, space.f_blocks - space.f_bfree, space.f_files - space.f_ffree)
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            s = os.lstat(os.path.join(folder, name)); print(folder, name, oct(s.st_mode), s.st_size, os.listxattr(os.path.join(folder, name)))
for table in 'sysvipc/shm', 'sysvipc/sem', 'sysvipc/msg', 'net/unix', 'net/tcp', 'net/tcp6', 'net/udp', 'net/raw', 'net/packet', 'net/sockstat', 'self/mountinfo', 'self/limits', '1/cmdline':
    try: text = open('/proc/' + table).read()
    except OSError as e: text = str(e)
    if table == 'self/mountinfo': text = text.count('\n')
    if table == 'net/sockstat': text = [line.split()[:3] + line.split()[5:7] for line in text.splitlines()]  # the others are the host's
    print(table, text)
one = open('/proc/1/stat').read().rsplit(') ', 1)[1].split()
print(one[0] in 'RS', one[1:6], one[15:18], one[35], one[37:39])  # whether it runs or sleeps, ids, priority, nice, threads, signal at its end, scheduler
for line in open('/proc/1/status'):
    if line.startswith(('Umask', 'Sig', 'Shd', 'Threads', 'Cap', 'Seccomp', 'NoNew', 'Cpus_allowed:', 'FDSize')) and not line.startswith('SigQ'): print(line, end='')
for line in open('/proc/self/status'):
    if line.startswith(('Umask', 'Sig', 'Shd', 'Threads', 'Cap', 'Seccomp', 'NoNew', 'Cpus_allowed:', 'TracerPid')) and not line.startswith('SigQ'): print(line, end='')
for name in 'pids/pids.current', 'pids.current', 'memory/memory.limit_in_bytes', 'pids/pids.max', 'cpu/cpu.cfs_quota_us', 'memory.max', 'cpu.max':
    if os.path.exists('/sys/fs/cgroup/' + name): print(name, open('/sys/fs/cgroup/' + name).read())
print(sorted((k, v) for k, v in os.environ.items() if k != 'HOSTNAME'), os.getcwd(), sorted(os.listdir('.')), sorted(os.listdir('/proc/self/fd')))
print(os.nice(0), os.sched_getscheduler(0), os.sched_getaffinity(0), os.sched_getscheduler(1), os.sched_getaffinity(1), os.getpriority(os.PRIO_PGRP, 0))
print(open('/proc/self/oom_score_adj').read(), open('/proc/self/personality').read() if os.access('/proc/self/personality', os.R_OK) else '')
for port in 4321, 4322:
    with socket.socket() as s: s.bind(('127.0.0.1', port))  # TIME_WAIT without SO_REUSEADDR, or a listener, refuses it
with socket.socket(socket.AF_UNIX) as s: s.bind('\0planted')
"""
WHERE = "\nimport socket; print('CELL', socket.gethostname())"


def settled(cell):
    """Waits until the cell is reset and its interpreter started, or until the cell is gone; its name."""
    wait_for(f"{cell} to be ready", lambda: (seen := top(cell)) == "" or "main.py" in seen)
    return cell


def look(server, key):
    """What a program sees, and the name of its cell."""
    out = server.output(LOOK + WHERE, key=key)
    seen, _, cell = out.rpartition("CELL ")
    return seen, settled(cell.strip())


def kept(server, language="python"):
    """How many cells are kept for keys, those that are still being reset included."""
    cells = server.metrics().get("codecell_pool_cells", {})
    return int(cells.get(frozenset({("language", language), ("state", "kept")}), 0))


def where(server, key, **fields):
    return settled(server.output(WHERE.strip(), key=key, **fields).split()[1])


def plant(server, key, code, language="python", **fields):
    """Runs a program that leaves something; the cell's name."""
    tell = "\nprint('CELL', socket.gethostname(), flush=True)\n"
    code = code.replace("TELL", tell.strip()) if "TELL" in code else code + tell
    result = server.execute(PLANT[language] + code, language, key=key, **fields).json
    assert "CELL " in result["stdout"], result
    return settled(result["stdout"].split("CELL ")[1].split()[0])


GONE = {  # what a program leaves and the next one in the same cell must not find
    "nothing": "",
    "a-child": "subprocess.Popen(['sleep', '99'])",
    "a-child-that-holds-the-pipes": "subprocess.Popen('exec sleep 99; echo', shell=True)",
    "a-session": "subprocess.Popen(['setsid', 'sleep', '99'])",
    "a-daemon": "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        for fd in range(3): os.close(fd)\n        time.sleep(99)\n    os._exit(0)\nos.wait()",
    "a-stopped-child": "p = subprocess.Popen(['sleep', '99']); os.kill(p.pid, signal.SIGSTOP)",
    "a-child-deaf-to-signals": "if os.fork() == 0:\n    for n in set(signal.valid_signals()) - {9, 19, 32, 33}: signal.signal(n, signal.SIG_IGN)\n    time.sleep(99)",
    "children-that-fork-for-ever": "if os.fork() == 0:\n    while True:\n        try:\n            if os.fork(): os._exit(0)\n        except OSError: pass",
    "as-many-processes-as-may-be": "try:\n    while os.fork(): pass\nexcept OSError: pass\nelse: time.sleep(99)",
    "a-zombie": "p = os.fork()\nif p == 0: os._exit(0)\nos.waitid(os.P_PID, p, os.WEXITED | os.WNOWAIT)",
    "a-traced-child": "p = os.fork()\nif p == 0:\n    c.ptrace(0, 0, 0, 0); os.kill(os.getpid(), signal.SIGSTOP); time.sleep(99)\nos.waitpid(p, os.WUNTRACED)",
    "a-thread": "threading.Thread(target=time.sleep, args=(99,), daemon=True).start()\nTELL\nos._exit(0)",
    "its-own-end-by-a-signal": "TELL\nos.kill(os.getpid(), 9)",
    "files": "open('/tmp/f', 'w').write('x'); open('/tmp/work/f', 'w').write('x'); os.symlink('/etc', '/tmp/l'); os.mkfifo('/tmp/p'); os.link('/tmp/f', '/tmp/g')",
    "a-file-of-mode-0": "open('/tmp/f', 'w'); os.chmod('/tmp/f', 0)",
    "folders-of-mode-0": "os.makedirs('/tmp/a/b/c'); open('/tmp/a/b/c/f', 'w'); os.chmod('/tmp/a/b/c', 0); os.chmod('/tmp/a/b', 0); os.chmod('/tmp/a', 0)",
    "a-working-folder-of-mode-0": "os.chmod('/tmp/work', 0)",
    "no-working-folder": "os.unlink('main.py'); os.rmdir('/tmp/work')",
    "a-link-for-a-working-folder": "os.unlink('main.py'); os.rmdir('/tmp/work'); os.symlink('/dev/shm', '/tmp/work')",
    "a-file-for-a-working-folder": "os.unlink('main.py'); os.rmdir('/tmp/work'); open('/tmp/work', 'w')",
    "a-tmp-of-mode-0": "os.chmod('/tmp', 0)",
    "a-deep-tree": "for _ in range(3000): os.mkdir('d'); os.chdir('d')",
    "many-files": "os.mkdir('/tmp/m')\nfor i in range(15000): open(f'/tmp/m/{i}', 'w').close()",
    "a-full-disk": "try:\n    with open('/tmp/f', 'wb') as f:\n        while True: f.write(bytes(1 << 20))\nexcept OSError: pass",
    "a-deleted-file-that-is-open": "f = open('/tmp/f', 'wb'); f.write(bytes(1 << 20)); f.flush(); os.unlink('/tmp/f')\nsubprocess.Popen(['sleep', '99'], pass_fds=[f.fileno()])",
    "a-sparse-file": "os.truncate(os.open('/tmp/f', os.O_CREAT | os.O_RDWR), 100 << 20)",
    "a-program-of-its-own-that-runs": "import shutil; shutil.copy('/bin/sleep', '/tmp/s'); subprocess.Popen(['/tmp/s', '99']); os.unlink('/tmp/s')",
    "strange-names": "for n in (b'\\xff\\xfe', b'a\\nb', b' ', b'-rf', b'*', b'x' * 255): open(b'/tmp/' + n, 'w')",
    "times-and-attributes": "os.utime('/tmp', (0, 0))\ntry: os.setxattr('/tmp', 'user.x', b'y')\nexcept OSError: pass",
    "shared-memory-files": "open('/dev/shm/f', 'wb').write(bytes(1 << 20)); os.makedirs('/dev/shm/a/b'); os.chmod('/dev/shm/a', 0)",
    "message-queues": "print(c.mq_open(b'/planted', os.O_CREAT | os.O_RDWR, 0o600, None) >= 0); print(os.listdir('/dev/mqueue'))",
    "a-message-queue-of-mode-0": "c.mq_open(b'/planted', os.O_CREAT | os.O_RDWR, 0, None)",
    "system-v-shared-memory": "print(c.shmget(0x1234, 1 << 20, 0o1666)); print(c.shmget(0, 4096, 0o1000))",
    "system-v-semaphores": "print(c.semget(0x1234, 3, 0o1666))",
    "system-v-messages": "q = c.msgget(0x1234, 0o1666); print(q, c.msgsnd(q, ctypes.create_string_buffer(b'\\1\\0\\0\\0\\0\\0\\0\\0text'), 4, 0))",
    "a-listener": "s = socket.create_server(('127.0.0.1', 4321)); subprocess.Popen(['sleep', '99'], pass_fds=[s.fileno()])",
    "an-abstract-socket": "s = socket.socket(socket.AF_UNIX); s.bind('\\0planted'); s.listen(); subprocess.Popen(['sleep', '99'], pass_fds=[s.fileno()])",
    "a-named-socket": "s = socket.socket(socket.AF_UNIX); s.bind('/tmp/s'); s.listen()",
    "sockets-in-flight-in-each-other": "a, b = socket.socketpair(socket.AF_UNIX); socket.send_fds(a, [b'x'], [a.fileno(), b.fileno()]); socket.send_fds(b, [b'x'], [a.fileno()])",
    "variables": "os.environ['PLANTED'] = '1'",
    "locks": "f = open('/tmp/f', 'w'); fcntl.flock(f, fcntl.LOCK_EX); fcntl.lockf(f, fcntl.LOCK_EX); subprocess.Popen(['sleep', '99'], pass_fds=[f.fileno()])",
    "timers": "signal.setitimer(signal.ITIMER_REAL, 50); c.timer_create(0, None, ctypes.byref(ctypes.c_void_p()))",
    "its-own-limits": "resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10)); resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)); os.nice(19); os.umask(0o777); c.personality(0x0040000)",
    "attempts-on-the-agent": "for call in (lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3)), lambda: os.setpriority(os.PRIO_PROCESS, 1, 19), lambda: os.sched_setaffinity(1, [0]), lambda: os.kill(1, 19), lambda: os.setpriority(os.PRIO_USER, os.getuid(), 19)):\n    try: call(); print('it worked')\n    except OSError: pass",
    "memory-and-pseudo-terminals": "m = os.memfd_create('planted'); os.write(m, bytes(1 << 20))\ntry: os.openpty()\nexcept OSError: pass",
    "input-not-read": "",
    "modules-of-its-own-and-bytecode": "open('json.py', 'w').write('x = 1'); import json",
}


@pytest.mark.parametrize("left", GONE)
def test_nothing_is_left_for_the_next(server, left):
    key = server.key()
    first, cell = look(server, key)
    options = {"stdin": "x" * 300000} if left == "input-not-read" else {}
    assert plant(server, key, "import socket\n" + GONE[left], **options) == cell, "the key's cell was not kept"
    assert look(server, key) == (first, cell)


SEEN = ["a-child", "a-program-of-its-own-that-runs", "a-stopped-child", "a-zombie", "files", "folders-of-mode-0", "no-working-folder", "a-tmp-of-mode-0",
        "a-deleted-file-that-is-open", "shared-memory-files", "message-queues", "system-v-shared-memory",
        "system-v-semaphores", "system-v-messages", "a-listener", "an-abstract-socket", "a-named-socket", "variables",
        "its-own-limits"]


@pytest.mark.parametrize("left", SEEN)
def test_looking_would_have_found_it(server, left):
    """The tests above can fail: the program that leaves it sees all of it."""
    def seen(code):
        result = server.run(PLANT["python"] + "import socket\n" + code + "\nprint('SEEN')" + LOOK)
        return result["stdout"].partition("SEEN\n")[2], result["exit_code"]
    nothing = "#".ljust(len(GONE[left].encode()), "#")
    assert seen(nothing) == seen(nothing)
    assert seen(nothing) != seen(GONE[left])


STAYS = {  # what the kernel keeps for a while: the reset can't be proven, so the cell is not reused
    "a-connection-in-time-wait": "l = socket.create_server(('127.0.0.1', 4322)); a = socket.create_connection(('127.0.0.1', 4322)); b, _ = l.accept(); b.close(); a.recv(1); a.close(); l.close()",
}


@pytest.mark.parametrize("left", STAYS)
def test_what_cannot_be_undone_ends_the_cell(server, left):
    key = server.key()
    first, cell = look(server, key)
    assert plant(server, key, "import socket\n" + STAYS[left]) == cell
    seen, other = look(server, key)
    assert other != cell and seen == first
    wait_for("the cell's end", lambda: not any(c["id"].startswith(cell) for c in server.containers()))


ENDS = {
    "a-timeout": ("import socket\nTELL\ntime.sleep(30)", {"timeout": 1}),
    "no-memory": ("import socket\nTELL\nx = []\nwhile True: x.append(bytearray(1 << 20))", {"limits": {"memory_mb": 64}}),
    "a-child-out-of-memory": ("import socket\nTELL\np = os.fork()\nif p == 0:\n    x = []\n    while True: x.append(bytearray(1 << 20))\nos.wait()", {"limits": {"memory_mb": 64}}),
    "too-much-output": ("import socket\nTELL\nprint('x' * 9000)", {"limits": {"output_kb": 1}}),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_program_over_its_limits_ends_the_cell(server, how):
    key, (code, fields) = server.key(), ENDS[how]
    cell = where(server, key)
    assert plant(server, key, code, **fields) == cell
    assert where(server, key) != cell


def test_a_program_that_fails_keeps_its_cell(server):
    key = server.key()
    cell = where(server, key)
    for code, status in ("raise SystemExit(3)", 3), ("syntax error", 1), ("import os; os.abort()", 134):
        assert server.run(code, key=key)["exit_code"] == status
        settled(cell)
    assert where(server, key) == cell


def test_a_client_that_leaves_ends_the_cell(server):
    key = server.key()
    cell = where(server, key)
    running = server.begin("import time; time.sleep(30)", key=key)
    server.wait_status("running", key=key)
    running.leave()
    server.wait_status("cancelled", key=key)
    assert where(server, key) != cell


def test_other_limits_in_the_same_cell(server):
    """The limits are set on the cell and then set back."""
    key = server.key()
    first, cell = look(server, key)
    assert where(server, key, limits={"memory_mb": 300, "cpu": 0.5, "processes": 20}) == cell
    assert look(server, key) == (first, cell)
    assert where(server, key, limits={"disk_mb": 7}) != cell


def test_another_language_has_another_cell(server):
    key = server.key()
    cell = where(server, key)
    assert server.output("echo $HOSTNAME", "bash", key=key).strip() != cell
    assert where(server, key) == cell


@pytest.mark.parametrize("language, code", [
    ("bash", "echo $HOSTNAME; ls -A /tmp /tmp/work; touch /tmp/left"),
    ("javascript", "console.log(require('os').hostname(), require('fs').readdirSync('/tmp')); require('fs').writeFileSync('/tmp/left', '')"),
    ("c", '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { return system("cat /proc/sys/kernel/hostname; ls -A /tmp; touch /tmp/left"); }'),
])
def test_every_language(server, language, code):
    key = server.key()
    seen = {server.output(code, language, key=key) for _ in range(8)}
    assert len(seen) < 8 and "left" not in "".join(seen), seen


def test_never_a_cell_of_another_key(server):
    """Many rounds of four keys at once: each marks its cells and looks for the others' marks."""
    keys = [server.key() for _ in range(4)]
    code = ("import os, socket\nassert not os.path.exists('/dev/shm/mark')\nopen('/dev/shm/mark', 'w')\n"
            "print(socket.gethostname())")
    cells = {key: set() for key in keys}

    def rounds(key):
        for _ in range(12):
            cells[key].add(server.output(code, key=key).strip())
    in_parallel([lambda key=key: rounds(key) for key in keys])
    named = [cell for key in keys for cell in cells[key]]
    assert len(named) == len(set(named)), cells
    assert all(len(cells[key]) < 12 for key in keys), "a key never had the same cell twice"


def test_a_key_may_be_without(server):
    key = server.key(reuse="off")
    assert len({where(server, key) for _ in range(3)}) == 3


def test_no_more_than_so_many_programs(launch):
    server = launch({**SETTINGS, "CODECELL_REUSE_JOBS": 3}, languages=["python"])
    cells = [where(server, server.any_key) for _ in range(9)]
    assert [len(set(cells[i:i + 3])) for i in (0, 3, 6)] == [1, 1, 1] and len(set(cells)) == 3, cells


def test_it_is_off_unless_asked_for(launch):
    server = launch({"CODECELL_POOL": "python=1"}, languages=["python"])
    assert len({where(server, server.any_key) for _ in range(3)}) == 3
    assert kept(server) == 0
    key = server.key(reuse="key")
    assert len({where(server, key) for _ in range(3)}) == 1


def test_kept_cells_go_when_nobody_comes(launch):
    server = launch({**SETTINGS, "CODECELL_REUSE_IDLE": "1s"}, languages=["python"])
    cell = where(server, server.any_key)
    wait_for("none kept", lambda: kept(server) == 0)
    wait_for("its end", lambda: not any(c["id"].startswith(cell) for c in server.containers()))
    assert where(server, server.any_key) != cell


def test_with_a_pool_of_none_nothing_is_kept(launch):
    server = launch({**SETTINGS, "CODECELL_POOL": "python=0"}, languages=["python"])
    assert len({where(server, server.any_key) for _ in range(3)}) == 3
    wait_for("no container", lambda: not server.containers())


def test_a_server_that_ends_leaves_none(launch):
    server = launch(SETTINGS)
    for key in [server.key() for _ in range(3)]:
        where(server, key)
    wait_for("cells that are kept", lambda: kept(server) == 3)
    server.stop()  # and checks that no container is left


def test_a_kept_cell_that_dies_is_not_missed(server):
    key = server.key()
    cell = where(server, key)
    docker("kill", cell)
    assert where(server, key) != cell


def test_a_kept_cell_gets_its_interpreter_ahead_too(server):
    key = server.key()
    cell = where(server, key)
    assert "main.py" in top(cell)
    assert where(server, key, environment={"A": "1"}) == cell, "an interpreter with other variables cost the key its cell"
    assert where(server, key) == cell
