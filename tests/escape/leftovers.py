"""What a job may leave behind, and the program that looks for all of it: for test_leftovers.py."""

from codecell import CELL

# Prints {what: what is seen of it}. Whatever differs by nature between two jobs of one container is left out: times at which
# processes and mounts began, numbers of inodes and of mounts, which the kernel counts for the whole host.
TELL = f"print('CELL', {CELL['python']}, flush=True)\n"
LOOK = r"""
import ctypes, fcntl, json, os, resource, socket, stat, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
seen = {}
def attempt(call, *args):
    try: return call(*args)
    except OSError as error: return os.strerror(error.errno)
def text(path): return attempt(lambda: open(path).read())

# processes
seen["pids"] = sorted((int(p), text(f"/proc/{p}/comm")) for p in os.listdir("/proc") if p.isdigit())
seen["own"] = [os.getpid(), os.getppid(), os.getsid(0), os.getpgid(0)]
one = open("/proc/1/stat").read().rsplit(") ", 1)[1].split()
seen["process 1"] = [one[0] in "RS", one[1:6], one[15:18], one[35], one[37:39]]  # ids, priority, nice, threads, scheduler
for who in "1", "self":
    names = ("Umask", "Sig", "Shd", "Threads", "Cap", "Seccomp", "NoNew", "Cpus_allowed", "TracerPid", "Uid", "Gid", "Groups", "NSpid")
    seen[f"status of {who}"] = [line for line in open(f"/proc/{who}/status") if line.startswith(names)]
    for name in "limits", "oom_score_adj", "personality", "uid_map", "gid_map", "setgroups", "cgroup", "cmdline", "timerslack_ns":
        seen[f"{name} of {who}"] = text(f"/proc/{who}/{name}")
    seen[f"scheduler of {who}"] = [attempt(os.sched_getscheduler, int(who == "1")), attempt(lambda: sorted(os.sched_getaffinity(int(who == "1")))),
                                   attempt(os.getpriority, os.PRIO_PROCESS, int(who == "1")), libc.syscall(252, 1, int(who == "1"))]
seen["environment"] = [sorted(os.environ.items()), os.getcwd(), sorted(os.listdir(".")), sorted(os.listdir("/proc/self/fd"))]
seen["names"] = [list(os.uname()), socket.gethostname(), text("/proc/sys/kernel/domainname")]

# files
for top in "/tmp", "/dev/shm", "/dev/mqueue":
    s, space, found = os.stat(top), os.statvfs(top), []
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            each = os.lstat(path)
            size = each.st_size if path != "/tmp/work/main.py" else "of this text"
            found.append((path, oct(each.st_mode), size, each.st_nlink, os.listxattr(path, follow_symlinks=False)))
    seen[top] = [oct(s.st_mode), s.st_nlink, s.st_uid, s.st_mtime > 1e9, attempt(os.listxattr, top), space.f_blocks, space.f_blocks - space.f_bfree,
                 space.f_files, space.f_files - space.f_ffree, sorted(found)]
devices = sorted("/dev/" + name for name in os.listdir("/dev"))
shared = ["/", "/dev", "/etc", "/etc/passwd", "/etc/hostname", "/etc/hosts", "/usr", "/usr/bin", "/sys/fs", "/codecell", "/proc/buddyinfo",
          "/proc/locks", "/sys/kernel/notes", "/sys/firmware", os.path.realpath(sys.executable), os.path.realpath("/usr/bin/env"), *devices]
fresh = ("/dev/pts", "/dev/ptmx", "/dev/shm", "/dev/mqueue", "/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/core", "/dev/console")  # or a link into /proc
seen["devices"] = devices
seen["times"] = {path: attempt(lambda: [os.stat(path).st_atime_ns, os.stat(path).st_mtime_ns, os.stat(path).st_ctime_ns]) for path in shared if path not in fresh}
rows = [line.split() for line in open("/proc/self/mountinfo")]
seen["mounts"] = [[row[3], row[4], row[5], [w.split(":")[0] for w in row[6:row.index("-")]], row[row.index("-") + 1:]] for row in rows]

# objects of the kernel
for table in "sysvipc/shm", "sysvipc/sem", "sysvipc/msg", "locks", "keys", "key-users": seen[table] = text("/proc/" + table)
made = [libc.shmget(0, 4096, 0o600), libc.semget(0, 1, 0o600), libc.msgget(0, 0o600)]
seen["SysV numbers"] = made
libc.shmctl(made[0], 0, None); libc.semctl(made[1], 0, 0); libc.msgctl(made[2], 0, None)
seen["a queue of its own"] = [libc.mq_open(b"/look", os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o600, None) >= 0, libc.mq_unlink(b"/look")]
def count(make):
    # how often it gives descriptors, at most 200 times
    got = []
    while len(got) < 200 and (one := attempt(make)) and not isinstance(one, str) and one[0] >= 0: got.append(one)
    for fd in sum(got, ()): os.close(fd)
    return len(got)
def large_pipe():
    both = os.pipe()
    try: fcntl.fcntl(both[1], 1031, 1 << 20)
    except OSError: os.close(both[0]); os.close(both[1]); raise
    return both
seen["inotify instances"] = count(lambda: (libc.inotify_init(),))
seen["large pipes"] = count(large_pipe)
first, second = attempt(os.openpty), attempt(os.openpty)
seen["pseudo-terminals"] = [attempt(os.ttyname, first[1]), attempt(os.ttyname, second[1])]
seen["pending signals"] = [line.split()[1].split("/")[0] for line in open("/proc/self/status") if line.startswith("SigQ")]
seen["keyring"] = [libc.syscall(250, n, -5, 0, 0, 0) for n in (0, 6, 11)]  # keyctl: of the user: get, describe, read
whole = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
def locked(path):
    with open(path, "rb") as file:
        got = [attempt(lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB))]
        return got + [attempt(lambda: struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, whole))[0])]
seen["locks of files"] = {path: attempt(locked, path) for path in ("/etc/passwd", sys.executable, "/dev/null", "/usr/bin/env", "/proc/meminfo", "/etc/hostname")}

# the network
for table in ("unix", "tcp", "tcp6", "udp", "raw", "packet", "netlink", "dev", "snmp", "snmp6", "netstat", "if_inet6", "route", "fib_trie", "igmp", "sockstat6",
              "ip_conntrack", "anycast6", "dev_mcast", "ptype", "ip6_flowlabel", "rt_cache", "tcp_metrics"):
    got = text("/proc/net/" + table)
    if table in ("unix", "netlink"): got = [line.split()[1:-1] for line in got.splitlines()[1:]]  # without address, inode or name
    seen["net/" + table] = got
seen["net/sockstat"] = [line.split()[:3] + line.split()[5:7] for line in text("/proc/net/sockstat").splitlines()]  # the others are the host's
settings = {}
for top in "/proc/sys/net", "/proc/sys/user", "/proc/sys/fs/mqueue":
    for folder, _, files in os.walk(top):
        settings.update({os.path.join(folder, name): text(os.path.join(folder, name)) for name in files})
for name in ("shmmax", "shmall", "shmmni", "sem", "msgmax", "msgmnb", "msgmni", "shm_rmid_forced", "shm_next_id", "sem_next_id", "msg_next_id", "ns_last_pid", "cap_last_cap"):
    settings[name] = text("/proc/sys/kernel/" + name)
seen["settings"] = settings
ports = []
for port in 4321, 4322:
    with socket.socket() as s: ports.append(attempt(s.bind, ("127.0.0.1", port)))  # TIME_WAIT without SO_REUSEADDR, or a listener, refuses it
    with socket.socket() as s: ports.append(attempt(s.connect, ("127.0.0.1", port)))
with socket.socket(socket.AF_UNIX) as s: ports.append(attempt(s.bind, "\0planted"))
seen["ports"] = ports

# the cgroup
seen["cgroup"] = {os.path.join(folder, name): text(os.path.join(folder, name)) for folder, _, files in os.walk("/sys/fs/cgroup") for name in files}
print(json.dumps(seen))
""" + TELL

HEAD = r"""
import ctypes, errno, fcntl, mmap, os, resource, signal, socket, struct, subprocess, sys, threading, time
c = ctypes.CDLL(None, use_errno=True)
def daemon(act=lambda: None):
    # outlives the program with all its descriptors: twice forked, in a session of its own, deaf to signals, its streams closed
    r, w = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork(): os._exit(0)
        for n in set(signal.valid_signals()) - {9, 19, 32, 33}: signal.signal(n, signal.SIG_IGN)
        act()
        for fd in range(3): os.close(fd)
        os.write(w, b"x")
        time.sleep(99)
    os.wait(); os.read(r, 1)
"""

# What a program leaves. "TELL" is where the test's own last line goes, if the program does not get to its end.
LEFT = {
    "nothing": "",
    # processes
    "a-child": "subprocess.Popen(['sleep', '99'])",
    "a-child-that-holds-the-pipes": "subprocess.Popen('exec sleep 99; echo', shell=True)",
    "a-session": "subprocess.Popen(['setsid', 'sleep', '99'])",
    "a-daemon": "daemon()",
    "a-stopped-child": "p = subprocess.Popen(['sleep', '99']); os.kill(p.pid, signal.SIGSTOP)",
    "children-that-fork-for-ever": "if os.fork() == 0:\n    while True:\n        try:\n            if os.fork(): os._exit(0)\n        except OSError: pass",
    "as-many-processes-as-may-be": "try:\n    while os.fork(): pass\nexcept OSError: pass\nelse: time.sleep(99)",
    "a-zombie": "p = os.fork()\nif p == 0: os._exit(0)\nos.waitid(os.P_PID, p, os.WEXITED | os.WNOWAIT)",
    "a-traced-child": "p = os.fork()\nif p == 0:\n    c.ptrace(0, 0, 0, 0); os.kill(os.getpid(), signal.SIGSTOP); time.sleep(99)\nos.waitpid(p, os.WUNTRACED)",
    "a-thread": "threading.Thread(target=time.sleep, args=(99,), daemon=True).start()\nTELL\nos._exit(0)",
    "its-own-end-by-a-signal": "TELL\nos.kill(os.getpid(), 9)",
    "a-program-of-its-own-that-runs": "import shutil; shutil.copy('/bin/sleep', '/tmp/s'); subprocess.Popen(['/tmp/s', '99']); os.unlink('/tmp/s')",
    "many-pids": "for _ in range(300):\n    if os.fork() == 0: os._exit(0)\n    os.wait()",
    # files
    "files": "open('/tmp/f', 'w').write('x'); open('/tmp/work/f', 'w').write('x'); os.symlink('/etc', '/tmp/l'); os.mkfifo('/tmp/p'); os.link('/tmp/f', '/tmp/g')",
    "folders-of-mode-0": "os.makedirs('/tmp/a/b/c'); open('/tmp/a/b/c/f', 'w'); os.chmod('/tmp/a/b/c/f', 0)\nfor p in '/tmp/a/b/c', '/tmp/a/b', '/tmp/a': os.chmod(p, 0)",
    "a-working-folder-of-mode-0": "os.chmod('/tmp/work', 0)",
    "no-working-folder": "os.unlink('main.py'); os.rmdir('/tmp/work')",
    "a-link-for-a-working-folder": "os.unlink('main.py'); os.rmdir('/tmp/work'); os.symlink('/dev/shm', '/tmp/work')",
    "a-file-for-a-working-folder": "os.unlink('main.py'); os.rmdir('/tmp/work'); open('/tmp/work', 'w')",
    "a-tmp-of-mode-0": "os.chmod('/tmp', 0)",
    "a-deep-tree": "for _ in range(3000): os.mkdir('d'); os.chdir('d')",
    "many-files": "os.mkdir('/tmp/m')\nfor i in range(15000): open(f'/tmp/m/{i}', 'w').close()",
    "a-full-disk": "try:\n    with open('/tmp/f', 'wb') as f:\n        while True: f.write(bytes(1 << 20))\nexcept OSError: pass",
    "a-deleted-file-that-is-open": "f = open('/tmp/f', 'wb'); f.write(bytes(1 << 20)); f.flush(); os.unlink('/tmp/f')\nsubprocess.Popen(['sleep', '99'], pass_fds=[f.fileno()])",
    "strange-names": "for n in (b'\\xff\\xfe', b'a\\nb', b' ', b'-rf', b'*', b'x' * 255): open(b'/tmp/' + n, 'w')",
    "times-and-attributes": "os.utime('/tmp', (0, 0))\nfor p in '/tmp', '/dev/shm', '/tmp/work':\n    try: os.setxattr(p, 'user.x', b'y')\n    except OSError: pass",
    "shared-memory-files": "open('/dev/shm/f', 'wb').write(bytes(1 << 20)); os.makedirs('/dev/shm/a/b'); os.chmod('/dev/shm/a', 0)",
    "times-of-devices": "for p in ('/', '/dev', '/etc', '/sys/fs/cgroup', '/sys/kernel/notes', '/proc/buddyinfo', '/proc/locks', *('/dev/' + n for n in os.listdir('/dev'))):\n"
                        "    try: os.utime(p)\n    except OSError: pass\n    try: os.listdir(p)\n    except OSError: pass",
    "modes-of-devices": "for p in ('/dev', '/dev/null', '/dev/shm', '/dev/mqueue', '/dev/pts', '/dev/ptmx', '/proc', '/sys/fs/cgroup'):\n    try: os.chmod(p, 0)\n    except OSError: pass",
    "modules-of-its-own-and-bytecode": "open('json.py', 'w').write('x = 1'); import json",
    "files-of-the-image-that-were-read": "for p in ('/etc/passwd', sys.executable, '/usr/bin/env'): open(p, 'rb').read()\nos.listdir('/usr/bin'); os.listdir('/')",
    # IPC
    "message-queues": "print(c.mq_open(b'/planted', os.O_CREAT | os.O_RDWR, 0o600, None) >= 0)",
    "a-message-queue-of-mode-0": "c.mq_open(b'/planted', os.O_CREAT | os.O_RDWR, 0, None)",
    "as-many-message-queues-as-may-be": "n = 0\nwhile c.mq_open(b'/q%d' % n, os.O_CREAT | os.O_RDWR, 0o600, None) >= 0: n += 1",
    "system-v-shared-memory": "print(c.shmget(0x1234, 1 << 20, 0o1666)); print(c.shmget(0, 4096, 0o1000))",
    "system-v-semaphores": "print(c.semget(0x1234, 3, 0o1666))",
    "system-v-messages": "q = c.msgget(0x1234, 0o1666); print(q, c.msgsnd(q, ctypes.create_string_buffer(b'\\1\\0\\0\\0\\0\\0\\0\\0text'), 4, 0))",
    "pending-signals": "def queue():\n    signal.pthread_sigmask(signal.SIG_BLOCK, {40})\n    for _ in range(300): c.sigqueue(os.getpid(), 40, None)\ndaemon(queue)",
    # sockets
    "a-listener": "s = socket.create_server(('127.0.0.1', 4321)); daemon()",
    "a-connection-in-time-wait": "l = socket.create_server(('127.0.0.1', 4322)); a = socket.create_connection(('127.0.0.1', 4322)); b, _ = l.accept(); b.close(); a.recv(1); a.close(); l.close()",
    "much-talk-on-loopback": "l = socket.create_server(('127.0.0.1', 4322)); a = socket.create_connection(('127.0.0.1', 4322)); b, _ = l.accept()\n"
                             "for _ in range(200): a.sendall(bytes(4096)); b.recv(4096, socket.MSG_WAITALL)",
    "an-abstract-socket": "s = socket.socket(socket.AF_UNIX); s.bind('\\0planted'); s.listen(); daemon()",
    "a-named-socket": "s = socket.socket(socket.AF_UNIX); s.bind('/tmp/s'); s.listen()",
    "sockets-in-flight-in-each-other": "a, b = socket.socketpair(socket.AF_UNIX); socket.send_fds(a, [b'x'], [a.fileno(), b.fileno()]); socket.send_fds(b, [b'x'], [a.fileno()])",
    # what is counted, locked, or belongs to a process
    "locks": "f = [open(p, 'rb') for p in ('/etc/passwd', sys.executable, '/dev/null', '/usr/bin/env', '/proc/meminfo', '/etc/hostname')]\n"
             "for each in f: fcntl.flock(each, fcntl.LOCK_SH); fcntl.lockf(each, fcntl.LOCK_SH)\ndaemon()",
    "inotify-instances": "while c.inotify_init() >= 0: pass\ndaemon()",
    "large-pipes": "keep = []\ntry:\n    while len(keep) < 100: keep.append(os.pipe()); fcntl.fcntl(keep[-1][1], 1031, 1 << 20)\nexcept OSError: pass\ndaemon()",
    "pseudo-terminals": "for _ in range(10): os.openpty()\ndaemon()",
    "timers": "signal.setitimer(signal.ITIMER_REAL, 50); c.timer_create(0, None, ctypes.byref(ctypes.c_void_p()))",
    "its-own-limits": "resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10)); resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)); os.nice(19); os.sched_setaffinity(0, [0]); os.umask(0o777); c.personality(0x0040000)",
    "attempts-on-the-agent": "for call in (lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3)), lambda: os.setpriority(os.PRIO_PROCESS, 1, 19), lambda: os.sched_setaffinity(1, [0]), "
                             "lambda: os.setpriority(os.PRIO_USER, os.getuid(), 19), lambda: open('/proc/1/oom_score_adj', 'w').write('0')):\n"
                             "    try: call(); print('it worked')\n    except OSError: pass\nfor n in range(1, 65): c.kill(1, n)",
    "names": "for call in (c.sethostname, c.setdomainname): call(b'planted', 7)",
    "keys": "for n in range(-8, 0): c.syscall(248, b'user', b'planted', b'x', 1, n)",
    "memory": "m = os.memfd_create('planted'); os.write(m, bytes(1 << 20)); x = bytearray(50 << 20); daemon()",
    "a-child-that-ran-out-of-descriptors": "if os.fork() == 0:\n    try:\n        while True: os.dup(0)\n    except OSError: time.sleep(99)",
    "variables": "os.environ['PLANTED'] = '1'",
    "input-not-read": "",
}

# Of these the program that leaves it sees something itself: so LOOK would find it.
SEEN = ("a-child", "a-stopped-child", "a-daemon", "a-zombie", "a-program-of-its-own-that-runs", "many-pids", "files", "folders-of-mode-0",
        "a-tmp-of-mode-0", "a-deleted-file-that-is-open", "times-and-attributes", "shared-memory-files", "message-queues", "as-many-message-queues-as-may-be",
        "system-v-shared-memory", "system-v-semaphores", "system-v-messages", "pending-signals", "a-listener", "a-connection-in-time-wait", "much-talk-on-loopback",
        "an-abstract-socket", "a-named-socket", "locks", "inotify-instances", "large-pipes", "pseudo-terminals", "its-own-limits", "variables")


def plant(left):
    """The program that leaves it; its last line tells that it got so far."""
    code = LEFT[left]
    return HEAD + (code.replace("TELL\n", TELL) if "TELL\n" in code else code + "\n" + TELL)


def seen_by_itself(left):
    """The program that leaves it and then looks."""
    return HEAD + LEFT[left] + "\n" + LOOK


# Memory that stays charged for a while after the last process has ended: MB of it, and how.
CHARGED = {
    "system-v-shared-memory": "n = c.shmget(0, MB << 20, 0o600); c.shmat.restype = ctypes.c_void_p; a = c.shmat(n, None, 0); ctypes.memset(a, 1, MB << 20)",
    "files-in-dev-shm": "open('/dev/shm/f', 'wb').write(bytes(15 << 20))",
    "files-in-sockets-in-a-cycle": "m = [os.memfd_create('m') for _ in range(MB // 50)]\nfor each in m:\n    for _ in range(50): os.write(each, bytes(1 << 20))\n"
                                   "a, b = socket.socketpair()\nfor s in a, b: socket.send_fds(s, [b'x'], [*m, a.fileno(), b.fileno()])",
    "its-own-memory-in-many-processes": "r, w = os.pipe()\nfor _ in range(3):\n    if os.fork() == 0: y = bytearray(b'x') * (MB // 4 << 20); os.write(w, b'x'); time.sleep(99)\nfor _ in range(3): os.read(r, 1)",
    "names-that-are-not-there": "for n in range(100000):\n    try: os.stat(f'/usr/{n:0200d}')\n    except OSError: pass",
    "pipes-that-are-full": "keep = [os.pipe2(os.O_NONBLOCK) for _ in range(60)]\nfor r, w in keep:\n    fcntl.fcntl(w, 1031, 1 << 20)\n    try:\n        while True: os.write(w, bytes(1 << 16))\n    except OSError: pass\ndaemon()",
    "messages": "q = [c.msgget(0, 0o600) for _ in range(16)]\nfor each in q:\n    while c.msgsnd(each, ctypes.create_string_buffer(b'\\1' + bytes(1007)), 1000, 0o4000) == 0: pass",
}


def charge(kind, megabytes):
    """The program that leaves so much."""
    return HEAD + CHARGED[kind].replace("MB", str(megabytes)) + "\n" + TELL


def fill(megabytes):
    """The program that has so much memory of its own."""
    return f"x = bytearray({megabytes} << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\nprint('FILLED', flush=True)\n" + TELL
