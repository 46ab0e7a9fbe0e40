"""Starts the real server on the real engine, drives it, ends it, and checks that nothing is left.

The program is CODECELL_BIN (default build/codecell); TESTS_SETTINGS="NAME=VALUE …" are settings for every server; those of
the test come first. Tests wait for a state, never for a time:
wait_for() polls until the state is there, and fails after CODECELL_PATIENCE seconds (60).
"""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import wire
from wire import Answer, Wire

ROOT = Path(__file__).resolve().parents[2]
BIN = os.environ.get("CODECELL_BIN") or str(ROOT / "build" / "codecell")
SANITIZED = Path(BIN).exists() and b"__asan_init" in Path(BIN).read_bytes()  # its allocator keeps freed memory
LANGUAGES = ["bash", "c", "javascript", "python"]
FACES_LANGUAGES = [*LANGUAGES, "typescript"]  # of the tests of faces
SANITIZER = re.compile(r"(ERROR|WARNING): \w*Sanitizer|runtime error:|Assertion .* failed")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
DEFAULT = object()

wire.PATIENCE = PATIENCE = float(os.environ.get("CODECELL_PATIENCE", "60"))


def wait_for(what, state, patience=None):
    """Waits until state() is true; what it returned. what: the text of the failure, or a function that makes it."""
    end = time.monotonic() + (patience or PATIENCE)
    while True:
        found = state()
        if found:
            return found
        assert time.monotonic() < end, f"waited in vain: {what() if callable(what) else what}"
        time.sleep(0.02)


def docker(*args, host=None):
    env = dict(os.environ, DOCKER_HOST=host) if host else None
    done = subprocess.run(["docker", *args], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, f"docker {' '.join(args)}: {done.stderr}"
    return done.stdout


def containers(instance=None, host=None, running=False):
    """The containers of an instance (None: of every one): [{"id", "state", "labels"}]."""
    label = "io.codecell.instance" + (f"={instance}" if instance else "")
    args = ["ps", "--no-trunc", "--filter", f"label={label}", "--format", "{{json .}}"]
    found = []
    for line in docker(*args, *([] if running else ["-a"]), host=host).splitlines():
        row = json.loads(line)
        labels = dict(pair.split("=", 1) for pair in row["Labels"].split(",") if "=" in pair)
        found.append({"id": row["ID"], "state": row["State"], "labels": labels})
    return found


def top(container):
    """The command lines in a container; "" if it does not run."""
    return subprocess.run(["docker", "top", container], capture_output=True, text=True, check=False).stdout


# What a program evaluates for its cell: the beginning of the container's id (of bash: a command that prints it). All cells
# have the same host name, but the engine's files in them are mounted from the container's folder.
CELL = {
    "python": r"__import__('re').search(r'containers/(\w{12})', open('/proc/self/mountinfo').read())[1]",
    "javascript": r"require('fs').readFileSync('/proc/self/mountinfo', 'utf8').match(/containers\/(\w{12})/)[1]",
    "bash": "grep -om1 'containers/[0-9a-f]*' /proc/self/mountinfo | cut -c 12-23",
}


def host_pids(container):
    """The process ids, as the host knows them, of a container's processes; [] if it does not run."""
    rows = subprocess.run(["docker", "top", container, "-eo", "pid"], capture_output=True, text=True, check=False).stdout
    return list(map(int, rows.split()[1:]))


def log_fields(line):
    """A line of the log, of either format, as a dict of strings (JSON: of values)."""
    if line.startswith("{"):
        return json.loads(line)
    fields, rest = {}, line
    while rest:
        match = re.match(r'([A-Za-z_][A-Za-z0-9_.]*)=("(?:[^"\\]|\\.)*"|[^ "]*)(?: |$)', rest)
        assert match, f"not a line of key=value: {line!r} at {rest!r}"
        value = match.group(2)
        fields[match.group(1)] = json.loads(value) if value.startswith('"') else value
        rest = rest[match.end():]
    return fields


def linked_languages(folder, languages):
    """A value of CODECELL_LANGUAGES: these of the project's languages, and no others for which the engine has images."""
    folder.mkdir()
    for name in languages:
        if (ROOT / "images/languages" / name).is_dir():
            (folder / name).symlink_to(ROOT / "images/languages" / name)
    return str(folder)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE * 2)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Server:
    """One server with a data directory of its own."""

    def __init__(self, settings=None, data_dir=None, languages=None, engine=None, ready=True):
        """languages: start() waits until they are offered; engine: DOCKER_HOST; ready False: start() does not wait."""
        self.folder = Path(tempfile.mkdtemp(prefix="codecell-test-"))
        self.data_dir = Path(data_dir) if data_dir else self.folder / "data"
        self.engine, self.wants_ready = engine, ready
        self.languages = LANGUAGES if languages is None else languages
        self.settings = {"CODECELL_DATA_DIR": str(self.data_dir), "CODECELL_LISTEN": "127.0.0.1:0",
                         "CODECELL_LANGUAGES": linked_languages(self.folder / "languages",
                                                                {*LANGUAGES, *self.languages})}
        if "CODECELL_APPARMOR" in os.environ:  # tests/run sets it on a host with AppArmor
            self.settings["CODECELL_APPARMOR"] = os.environ["CODECELL_APPARMOR"]
        self.settings.update(pair.split("=", 1) for pair in os.environ.get("TESTS_SETTINGS", "").split())
        self.settings.update({name: str(value) for name, value in (settings or {}).items()})
        self.program, self.command = BIN, [BIN, "serve"]
        self.process, self.lines, self.address, self.known_key = None, [], None, None
        self.key_lock = threading.Lock()
        self.news = threading.Condition()

    # Life.

    def environment(self, **more):
        env = {name: value for name, value in os.environ.items() if not name.startswith("CODECELL_")}
        env.update(self.settings)
        if self.engine:
            env["DOCKER_HOST"] = self.engine
        env.update(more)
        return env

    def cli(self, *args, **more):
        """Runs the program with the server's settings; a CompletedProcess with text."""
        return subprocess.run([self.program, *args], cwd=ROOT, env=self.environment(**more), capture_output=True,
                              text=True, timeout=PATIENCE, check=False)

    def start(self):
        self.lines, self.address = [], None
        self.process = subprocess.Popen(self.command, cwd=ROOT, env=self.environment(), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
        self.reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self.reader.start()
        self.address = self.wait_event("server.listening")["address"]
        if self.wants_ready:
            wait_for("ready", lambda: self.request("GET", "/ready", key=None).status == 200)
            wait_for(lambda: f"languages {self.languages}; the log:\n{self.log}", lambda: set(self.languages) <= set(
                self.request("GET", "/api/v1/execute/languages", key=None).json))
        return self

    def _read(self, process):
        for line in process.stderr:
            with self.news:
                self.lines.append(line.rstrip("\n"))
                self.news.notify_all()

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return "\n".join(self.lines)

    def events(self, name, **fields):
        found = []
        for line in list(self.lines):
            with contextlib.suppress(AssertionError, ValueError):
                entry = log_fields(line)
                if entry.get("event") == name and all(str(entry.get(k)) == str(v) for k, v in fields.items()):
                    found.append(entry)
        return found

    def wait_event(self, name, **fields):
        """Waits for a line of the log."""
        end = time.monotonic() + PATIENCE
        with self.news:
            while not self.events(name, **fields):
                assert self.process.poll() is None, f"the server ended ({self.process.returncode}):\n{self.log}"
                assert time.monotonic() < end, f"no {name} {fields} in the log:\n{self.log}"
                self.news.wait(0.1)
        return self.events(name, **fields)[-1]

    def signal(self, number):
        self.process.send_signal(number)

    def ended(self):
        """Waits for the server's end; its exit status."""
        status = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return status

    def stop(self):
        """SIGTERM, then: exit status 0, no finding of a sanitizer, no container left."""
        self.signal(signal.SIGTERM)
        self.check_ended()

    def check_ended(self):
        try:
            status = self.ended()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.ended()
            raise AssertionError(f"the server does not end:\n{self.log[-4000:]}") from None
        assert not SANITIZER.search(self.log), self.log[-8000:]
        assert status == 0, f"exit status {status}:\n{self.log[-4000:]}"
        left = self.containers()
        assert not left, f"containers left behind: {left}"

    def kill(self):
        self.signal(signal.SIGKILL)
        self.ended()

    def close(self):
        """Ends what a failed test left behind, and removes the data directory."""
        if self.process and self.process.poll() is None:
            self.kill()
        with contextlib.suppress(AssertionError):
            left = [c["id"] for c in self.containers()]
            if left:
                docker("rm", "-f", "-v", *left, host=self.engine)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None and self.process and self.process.poll() is None:
                self.stop()
        finally:
            self.close()

    # Its surroundings.

    def database(self, sql, *args):
        """Rows of the database, read while the server runs."""
        file = next(self.data_dir.glob("*.db"))
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=PATIENCE)) as db:
            return db.execute(sql, args).fetchall()

    @property
    def instance(self):
        """The label of its containers: the id that was made with the database."""
        return self.database("select id from instance")[0][0]

    def containers(self, running=False):
        return containers(self.instance, self.engine, running) if list(self.data_dir.glob("*.db")) else []

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def connections(self):
        """How many clients' TCP connections the server holds."""
        port, sockets = f":{int(self.address.rsplit(':', 1)[1]):04X}", set()
        for number in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(OSError):
                sockets.add(os.readlink(f"/proc/{self.pid}/fd/{number}"))
        rows = [line.split() for line in Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1].endswith(port) and row[3] != "0A" and f"socket:[{row[9]}]" in sockets for row in rows)

    def key(self, name="test", rate=1000000, **options):
        """Makes a key with the command; its text."""
        args = ["key", "create", "--name", name, "--rate", str(rate)]
        for option, value in options.items():
            args += ["--" + option, value]
        done = self.cli(*args)
        assert done.returncode == 0, done.stderr
        prefix = re.escape(options.get("prefix", "cc_"))
        assert re.fullmatch(prefix + r"[0-9A-Za-z]{40}\n", done.stdout), f"not a key alone: {done.stdout!r}"
        return done.stdout.strip()

    def data_files(self):
        """The files of its data folder."""
        return [file for file in self.data_dir.rglob("*") if file.is_file()]

    @property
    def any_key(self):
        with self.key_lock:  # tests ask from several threads, and two keys would share slots differently
            if not self.known_key:
                self.known_key = self.key()
            return self.known_key

    # Requests.

    def wire(self, **options):
        return Wire(self.address, **options)

    def connection(self):
        if self.address.startswith("unix:"):
            return UnixConnection(self.address[len("unix:"):])
        return http.client.HTTPConnection(self.address, timeout=PATIENCE * 2)

    def request(self, method, path, body=None, key=DEFAULT, headers=None, connection=None):
        """One request. body: bytes as they are, or a value sent as JSON. key None: without one."""
        headers = dict(headers or {})
        key = self.any_key if key is DEFAULT else key
        if key is not None:
            headers.setdefault("X-API-Key", key)
        if body is not None:
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        used = connection or self.connection()
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                used.request(method, path, body, headers)  # refused before the body's end: there is an answer
            got = used.getresponse()
            answer = Answer(got.status, got.getheaders(), got.read())
        finally:
            if not connection:
                used.close()
        assert answer.header("X-Request-Id"), answer
        return answer

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, body, **options):
        """POST /api/v1/execute with this body."""
        return self.request("POST", "/api/v1/execute", body, **options)

    def execute(self, code, language="python", key=DEFAULT, connection=None, **fields):
        """Runs a program; the answer."""
        return self.post({"code": code, "language": language, **fields}, key=key, connection=connection)

    def run(self, code, language="python", **fields):
        """Runs a program, whose answer must be 200; its content."""
        answer = self.execute(code, language, **fields)
        assert answer.status == 200, answer
        return answer.json

    def output(self, code, language="python", **fields):
        """Runs a program, which must exit with 0; its output."""
        result = self.run(code, language, **fields)
        assert (result["exit_code"], result["stderr"]) == (0, ""), result
        return result["stdout"]

    def begin(self, code, language="python", key=DEFAULT, **fields):
        """Starts a program in a thread and waits until the server has accepted it; a Pending."""
        return Pending(self, dict(code=code, language=language, **fields), self.any_key if key is DEFAULT else key)

    def executions(self, key=DEFAULT, **filters):
        """The records, newest first: one page of up to 200."""
        filters.setdefault("limit", 200)
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        answer = self.get("/api/v1/executions?" + query, key=key)
        assert answer.status == 200, answer
        return answer.json["items"]

    def wait_status(self, status, count=1, key=DEFAULT, **filters):
        """Waits until exactly `count` records have this status. What is "running" has its slot; its program may not have
        begun."""
        def there():
            found = self.executions(key=key, status=status, **filters)
            return found if len(found) == count else None
        return wait_for(f"{count} executions {status}", there)

    def wait_pool(self, **wanted):
        """Waits until so many cells are idle (bash=2) and there are no other containers."""
        def full():
            cells = [(dict(labels), count) for labels, count in self.metrics().get("codecell_pool_cells", {}).items()]
            ready = {cell["language"]: count for cell, count in cells if cell["state"] == "ready" and count}
            return ready == wanted and len(self.containers()) == sum(wanted.values())
        wait_for(f"a pool of {wanted}", full)

    def metrics(self):
        """The samples of GET /metrics: {name: {frozenset of labels: value}}."""
        samples = {}
        for line in self.get("/metrics", key=None).body.decode().splitlines():
            match = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)", line)
            if match and not line.startswith("#"):
                labels = frozenset(re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"', match.group(2) or ""))
                samples.setdefault(match.group(1), {})[labels] = float(match.group(3))
        return samples


class Pending:
    """A request under way in a thread of its own."""

    def __init__(self, server, body, key):
        self.server, self.got, self.error = server, None, None
        self.socket = server.connection()
        self.thread = threading.Thread(target=self._go, args=(body, key), daemon=True)
        self.thread.start()

    def _go(self, body, key):
        try:
            self.got = self.server.post(body, key=key, connection=self.socket)
        except Exception as error:
            self.error = error

    @property
    def done(self):
        return not self.thread.is_alive()

    def answer(self):
        self.thread.join(PATIENCE * 2)
        assert self.done, "no answer"
        if self.error:
            raise self.error
        return self.got

    def leave(self):
        """The client goes away: both directions closed."""
        wait_for("a connection", lambda: self.socket.sock)
        self.socket.sock.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(PATIENCE)


@contextlib.contextmanager
def serving(server):
    """While the block runs, another client's programs must all be answered, at least one from start to end. Yields and
    prints their times."""
    key, over, failures, answered = server.key("bystander"), threading.Event(), [], []

    def ask():
        try:
            while not over.is_set():
                begin = time.monotonic()
                answer = server.execute("print(1+1)", key=key)
                assert answer.status == 200 and answer.json["stdout"] == "2\n", answer
                answered.append(time.monotonic() - begin)
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield answered
        if not failures:
            seen = len(answered)
            wait_for("the bystander's next answer", lambda: failures or len(answered) > seen)
    finally:
        over.set()
        thread.join(PATIENCE * 2)
    assert not failures, f"another client was not served: {failures[0]}"
    print(f"another client: {len(answered)} programs, p50 {sorted(answered)[len(answered) // 2]:.3f} s, "
          f"worst {max(answered):.3f} s")


def in_parallel(jobs):
    """Runs functions side by side; their results in order."""
    got = [None] * len(jobs)

    def go(index):
        try:
            got[index] = jobs[index]()
        except Exception as error:
            got[index] = error
    threads = [threading.Thread(target=go, args=(i,), daemon=True) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE * 4)
    for result in got:
        if isinstance(result, Exception):
            raise result
    return got
