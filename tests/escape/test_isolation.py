"""What a program finds around it: nothing of the host, of the server or of other cells, and nowhere to write."""
import json
import os

import pytest

from codecell import ROOT, serving, wait_for
from holding import HOLD, holding


# Places to write to.

def test_nothing_outside_its_own_folders_can_be_written(server):
    code = """
import os
own = ('/tmp', '/dev/shm', '/dev/mqueue')
made = []
for folder, folders, files in os.walk('/', topdown=True):
    folders[:] = [f for f in folders if (folder, f) not in (('/', 'proc'),)]
    if folder.startswith(own): continue
    path = folder.rstrip('/') + '/.codecell-test'
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT)); made.append(path)
    except OSError: pass
    for name in files:
        path = os.path.join(folder, name)
        try:
            if os.path.islink(path) or not os.path.isfile(path): continue
            os.close(os.open(path, os.O_WRONLY)); made.append(path)
        except OSError: pass
print(made)
"""
    with serving(server):
        assert server.output(code, timeout=120) == "[]\n"


def test_nothing_of_proc_that_is_not_its_own_can_be_written(server):
    code = """
import os
opened = []
null = os.stat('/dev/null')
for folder, folders, files in os.walk('/proc'):
    if folder == '/proc': folders[:] = [f for f in folders if not f.isdigit() and f not in ('self', 'thread-self')]
    for name in files:
        path = os.path.join(folder, name)
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            if os.stat(path).st_rdev != null.st_rdev: opened.append(path)  # how the engine hides a file
        except OSError: pass
print(opened)
"""
    with serving(server):
        assert server.output(code, timeout=120) == "[]\n"


def test_mounts(server):
    out = server.output("import os\nfor m in open('/proc/self/mounts'):\n"
                        "    print(os.access(m.split()[1], os.W_OK), m, end='')")
    lines = [line.split(" ", 1) for line in out.splitlines()]
    for writable, line in lines:
        _, place, kind, options, *_ = line.split()
        options = options.split(",")
        if "rw" in options and writable == "True" and kind not in ("proc", "mqueue") and "/proc/" not in place:
            assert kind == "tmpfs" and "nosuid" in options, line
            assert any(option.startswith("size=") for option in options), line
        assert "docker.sock" not in line and "/var/lib/docker/volumes" not in line.split()[0]
    tmp = [line.split()[3].split(",") for _, line in lines if line.split()[1] == "/tmp"][-1]  # it may hide the container's
    assert {"nosuid", "nodev", "rw"} <= set(tmp) and "noexec" not in tmp, tmp
    root = next(line.split() for _, line in lines if line.split()[1] == "/")
    assert "ro" in root[3].split(",")


@pytest.mark.parametrize("path", ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug",
                                  "/proc/latency_stats", "/proc/kmsg", "/proc/kpagecount", "/sys/kernel/debug",
                                  "/sys/firmware", "/dev/mem", "/dev/kmsg", "/dev/port", "/dev/vda", "/dev/sda",
                                  "/dev/kvm", "/dev/fuse", "/dev/net/tun", "/sys/kernel/security", "/sys/fs/bpf",
                                  "/proc/sysrq-trigger", "/proc/acpi", "/proc/scsi"])
def test_the_kernels_own_is_hidden(server, path):
    code = (f"import os\np = {path!r}\ntry:\n"
            "    print(os.listdir(p) if os.path.isdir(p) else os.read(os.open(p, os.O_RDONLY | os.O_NONBLOCK), 10))\n"
            "except OSError: print(b'')")
    assert server.output(code) in ("b''\n", "[]\n")


@pytest.mark.parametrize("name", ["kernel/core_pattern", "kernel/hostname", "vm/overcommit_memory",
                                  "net/ipv4/ip_forward", "kernel/shm_rmid_forced", "fs/mqueue/msg_max"])
def test_kernel_settings_cannot_be_changed(server, name):
    assert server.run(f"echo 1 > /proc/sys/{name}", "bash")["exit_code"] != 0


# The network.

def test_no_network(server):
    code = """
import os, socket
print(sorted(os.listdir('/sys/class/net')))
for where in (('1.1.1.1', 80), ('169.254.169.254', 80), ('172.17.0.1', 80), ('10.0.0.1', 22), ('192.168.0.1', 80)):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            s = socket.socket(socket.AF_INET, kind); s.settimeout(3)
            s.connect(where); print('CONNECTED', where)
        except OSError: pass
try: print('RESOLVED', socket.getaddrinfo('example.com', 80))
except OSError: pass
s = socket.socket(socket.AF_INET6); s.settimeout(3)
try: s.connect(('2606:4700:4700::1111', 80)); print('CONNECTED 6')
except OSError: pass
print(open('/proc/net/route').read().count('\\n'), len(open('/proc/net/arp').readlines()))
"""
    with serving(server):
        assert server.output(code) == "['lo']\n1 1\n"


def test_sockets_hold_little(server):
    """Not every kernel charges what waits in them to the cell's memory."""
    code = """
import socket
listener = socket.create_server(('127.0.0.1', 0))
sender = socket.create_connection(listener.getsockname())
sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
receiver, _ = listener.accept()
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
sender.setblocking(False)
sent = 0
try:
    while True: sent += sender.send(bytes(4096))
except BlockingIOError: pass
print(sent < 128 * 1024)
"""
    assert server.output(code) == "True\n"


def test_the_host_cannot_be_reached_by_loopback(server):
    port = int(server.address.rsplit(":", 1)[1])
    code = (f"import socket\nfor port in (22, 80, 2375, 8002, {port}):\n    s = socket.socket(); s.settimeout(2)\n"
            "    print(s.connect_ex(('127.0.0.1', port)) != 0, end=' ')")
    assert server.output(code) == "True " * 5


def test_loopback_inside_works(server):
    code = ("import socket\na = socket.create_server(('127.0.0.1', 0))\nb = socket.create_connection(a.getsockname())\n"
            "c, _ = a.accept()\nb.send(b'x')\nprint(c.recv(1))")
    assert server.output(code) == "b'x'\n"


def test_localhost_is_a_name(server):
    code = ("import socket\na = socket.create_server(('localhost', 0))\nb = socket.create_connection(('localhost', "
            "a.getsockname()[1]))\nprint(b.getpeername()[0] in ('127.0.0.1', '::1'))")
    assert server.output(code) == "True\n"


def test_abstract_sockets_of_the_host_are_not_seen(server):
    out = server.output("cat /proc/net/unix", "bash")
    assert "docker" not in out and "containerd" not in out and len(out.splitlines()) < 5


# Others.

def test_other_cells_are_not_seen(server):
    other = server.begin("exec -a word-of-another-cell sleep 300", "bash", session_id="other")
    server.wait_status("running", session_id="other")
    code = """
import glob, os
seen = []
for path in glob.glob('/proc/[0-9]*/cmdline'):
    try: seen.append((path.split('/')[2], open(path).read().replace('\\0', ' ')))
    except OSError: pass
import json; print(json.dumps(seen))
"""
    try:
        seen = json.loads(server.output(code))
    finally:
        other.leave()
    assert len(seen) == 2 and seen[0][0] == "1", seen
    assert "word-of-another" not in str(seen)


def test_each_cell_has_a_user_of_its_own(server):
    running = [server.begin("import os; print(os.getuid(), os.getgid())\n" + HOLD, timeout=300) for _ in range(3)]
    wait_for("three programs that hold", lambda: len(holding(server)) == 3)
    for mark in holding(server):
        mark.unlink()
    users = [each.answer().json["stdout"] for each in running]
    assert len(set(users)) == 3, users


def test_nothing_is_left_by_the_one_before(server):
    mark = "echo left > /tmp/left; echo left > left; echo left > /dev/shm/left; ipcmk -M 100 -p 666 >/dev/null; echo ok"
    look = "cat /tmp/left left /dev/shm/left 2>/dev/null; ls -A /dev/shm /dev/mqueue; tail -n +2 /proc/sysvipc/shm; ls"
    assert server.run(mark, "bash", session_id="same")["stdout"].endswith("ok\n")
    assert server.output(look, "bash", session_id="same").split() == ["/dev/mqueue:", "/dev/shm:", "main.sh"]


# What the answers say about the server.

def test_the_environment_holds_nothing_of_the_server(server):
    out = server.output("import json, os; print(json.dumps(dict(os.environ)))")
    env, mark = json.loads(out), server.settings["SECRET_OF_THE_SERVER"]
    assert mark not in out and server.any_key[3:] not in out
    assert not [name for name in env if name.startswith(("CODECELL", "DOCKER", "SECRET"))]
    python = json.loads((ROOT / "images/languages/python/language.json").read_text(encoding="utf-8"))
    assert set(env) - set(python["environment"]) <= {"PATH", "HOME", "LANG", "LC_ALL", "HOSTNAME", "USER", "LOGNAME", "PWD", "TMPDIR", "TERM",
                        "SHELL", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONUNBUFFERED",
                        "LC_CTYPE"}, env


@pytest.mark.parametrize("path", ["/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock",
                                  "/run/podman/podman.sock", "/.dockerinit", "/root/.docker"])
def test_no_way_to_the_engine(server, path):
    assert server.run(f"ls {path}", "bash")["exit_code"] != 0


def test_the_hosts_name_and_paths_are_not_told(server):
    code = ("uname -n; echo $HOSTNAME; cat /proc/sys/kernel/hostname /etc/hostname; echo; "
            "cat /proc/self/mountinfo /proc/self/cgroup /proc/self/mounts")
    names, _, paths = server.run(code, "bash")["stdout"].partition("\n\n")
    assert set(names.split()) == {"codecell"}
    assert str(server.data_dir) not in paths


def test_no_agent_program_can_be_changed(server):
    code = ("import os\nfor m in open('/proc/self/mounts'):\n    p = m.split()[1]\n"
            "    if 'codecell' in m: print(p, os.access(p, os.W_OK))")
    assert "True" not in server.output(code)


# Tricks with `files` and the working folder.

def test_links_of_the_program_lead_nowhere_after_it(server):
    """Links made by a program are gone with its cell: the next one's files are written into a new folder."""
    server.run("ln -s /etc d; ln -s /proc/1/root r; mkdir -p x; ln -s .. x/up", "bash", session_id="links")
    answer = server.execute("cat d/f r/f x/up/f && ls -ld d | cut -c1", "bash", session_id="links",
                            files=[{"path": path, "content": path} for path in ("d/f", "r/f", "x/up/f")])
    assert answer.json["stdout"] == "d/fr/fx/up/fd\n"


@pytest.mark.parametrize("path", ["..", "../x", "a/../../x", "/etc/x", "a/./../../x", "\\..\\x", "a\0/../x",
                                  "~/../x", "//x", "..//x", "a/..", "./../x"])
def test_paths_that_climb_are_refused_or_stay_inside(server, path):
    answer = server.execute("find / -name x -not -path '/proc/*' -not -path '/sys/*' -not -path '/usr/*' 2>/dev/null",
                            "bash", files=[{"path": path, "content": "x"}])
    if answer.status == 200:
        assert not [line for line in answer.json["stdout"].splitlines() if not line.startswith("/tmp/work/")], answer
    else:
        assert answer.status == 400 and "files" in answer.detail


@pytest.mark.parametrize("name", ["-rf", "$(touch pwned)", "`id`", "a;id", "a\nb", "\x1b[31m", "ü", " ", "a" * 200,
                                  "%s%n", "*"])
def test_strange_names_are_names(server, name):
    answer = server.execute("import os; print(sorted(os.listdir('.')) == sorted(['main.py', " + repr(name) + "]))",
                            files=[{"path": name, "content": "x"}])
    assert answer.status == 400 or answer.json["stdout"] == "True\n", answer


def test_strange_arguments_are_arguments(server):
    args = ["$(id)", "`id`", ";id", "-c", "--", "a\nb", "*", "", "'\""]
    assert json.loads(server.output("import sys, json; print(json.dumps(sys.argv[1:]))", args=args)) == args


@pytest.mark.parametrize("env", [{"LD_PRELOAD": "/tmp/work/x.so"}, {"PATH": ""}, {"HOME": "/root"},
                                 {"BASH_ENV": "/proc/1/environ"}, {"IFS": "/"}, {"GCONV_PATH": "/tmp"},
                                 {"LD_LIBRARY_PATH": "/tmp"}])
def test_variables_reach_the_program_and_not_the_agent(server, env):
    with serving(server):
        answer = server.execute("echo $((40+2))", "bash", environment=env)
        assert answer.status == 200 and answer.json["stdout"] == "42\n", answer
