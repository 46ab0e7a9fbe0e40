"""A Codecell server to ask: a running one, or one that is started here with a temporary folder for its data."""
import contextlib
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

from folders import IMAGES, LIVE, Problem

ROOT = IMAGES.parent
PATIENCE = float(os.environ.get("CODECELL_PATIENCE", "600"))  # seconds to wait for a state
ANSWER_WITHIN = 600                                           # seconds to wait for an answer


def program():
    """The path of the server's program: CODECELL_BIN, or the newest of those in build/."""
    if os.environ.get("CODECELL_BIN"):
        return os.environ["CODECELL_BIN"]
    built = [path for path in (ROOT / "build/gcc/codecell", ROOT / "build/codecell") if path.is_file()]
    if not built:
        raise Problem("no server is built: run cmake --preset release && cmake --build --preset release, set "
                      "CODECELL_BIN, or name a running server with --url and --key")
    return str(max(built, key=lambda path: path.stat().st_mtime))


class Service:
    """A running server."""

    def __init__(self, url, key):
        parts = urllib.parse.urlsplit(url if "://" in url else "http://" + url)
        if parts.scheme != "http" or not parts.hostname:
            raise Problem(f"--url: {url} is not http://HOST:PORT")
        self.address, self.key, self.local = (parts.hostname, parts.port or 80), key, threading.local()
        self.cold = set()  # languages for which no idle cell came
        self.has_live = False  # whether it also has the languages with the run steps of `live`

    def ask(self, method, path, body=None):
        """Sends a request. Returns (HTTP status, content). Each thread keeps its connection."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        for attempt in (1, 2):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = http.client.HTTPConnection(*self.address, timeout=ANSWER_WITHIN)
            try:
                connection.request(method, path, data, headers)
                answer = connection.getresponse()
                content = answer.read()
                break
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self.local.connection = None
                if attempt == 2 or isinstance(error, TimeoutError):
                    raise Problem(f"the server at {self.address[0]}:{self.address[1]}: {error!r}") from None
        if "json" not in (answer.getheader("Content-Type") or ""):
            return answer.status, content.decode(errors="replace")
        return answer.status, json.loads(content)

    def execute(self, request):
        """Runs a program. Returns (HTTP status, content). After 429 and 503 it tries again."""
        end = time.monotonic() + PATIENCE
        while True:
            status, content = self.ask("POST", "/api/v1/execute", request)
            if status not in (429, 503) or time.monotonic() > end:
                return status, content
            time.sleep(0.5)

    def languages(self):
        """The languages that the server offers, as it describes them: {id: language}."""
        status, content = self.ask("GET", "/api/v1/languages")
        if status != 200:
            raise Problem(f"GET /api/v1/languages was answered {status}")
        return {each["id"]: each for each in content["languages"]}

    def wait_cell(self, language, waiting):
        """Waits until the server has an idle cell for a language, a prewarmed one if the language is (`waiting`).

        If none comes within 20 s, the server keeps none, and later calls return at once.
        """
        if language in self.cold:
            return
        state, end = "prewarmed" if waiting else "ready", time.monotonic() + 20
        pattern = re.compile(r'^codecell_pool_cells\{(?=[^}]*language="%s")(?=[^}]*state="%s")[^}]*\} [1-9]'
                             % (re.escape(language), state), re.M)
        while time.monotonic() < end:
            status, content = self.ask("GET", "/metrics")
            if status != 200 or pattern.search(content):
                return
            time.sleep(0.02)
        self.cold.add(language)

    def left_out(self, _language, _images=None):
        """Why the server does not offer a language, or its versions in these images; "" if it did not say why."""
        return ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def interrupted(*_):
    raise KeyboardInterrupt


class OwnServer(Service):
    """Starts a server with only the languages of these folders. It ends with the `with` block, also after SIGTERM."""

    def __init__(self, folders, settings=None, languages=()):
        """languages: contents of further language.json files; one with the id of a folder replaces that folder."""
        signal.signal(signal.SIGTERM, interrupted)
        self.scratch = Path(tempfile.mkdtemp(prefix="codecell-check-"))
        self.process, self.lines = None, []
        try:
            links = self.scratch / "images"
            links.mkdir()
            for language in languages:
                (links / language["id"]).mkdir()
                (links / language["id"] / "language.json").write_text(json.dumps(language), encoding="utf-8")
            for folder in folders:
                if not (links / folder.id).exists():
                    (links / folder.id).symlink_to(folder.path.resolve())
            self.environment = {name: value for name, value in os.environ.items()
                                if name not in ("CODECELL_BIN", "CODECELL_PATIENCE")}
            self.environment |= {"CODECELL_DATA_DIR": str(self.scratch / "data"), "CODECELL_LISTEN": "127.0.0.1:0",
                                 "CODECELL_LANGUAGES": str(links), "CODECELL_DRAIN": "0", "CODECELL_LOG_FORMAT": "text",
                                 **(settings or {})}
            self.program = program()
            key = self.make_key()
            super().__init__(self.start(), key)
            self.has_live = any(language["id"].endswith(LIVE) for language in languages)
        except BaseException:
            self.close()
            raise

    def make_key(self):
        done = subprocess.run([self.program, "key", "create", "--name", "check", "--rate", "1000000"],
                              env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Problem(f"{self.program} key create: {done.stderr.strip()}")
        return done.stdout.strip()

    def start(self):
        """Starts the server and returns its address."""
        self.process = subprocess.Popen([self.program, "serve"], env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
        threading.Thread(target=self.read_log, daemon=True).start()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for fields in self.events("server.listening"):
                return fields["address"]
            if self.process.poll() is not None:
                time.sleep(0.2)
                raise Problem("the server ended when it started:\n" + "\n".join(self.lines[-10:]))
            time.sleep(0.02)
        raise Problem("the server does not listen:\n" + "\n".join(self.lines[-10:]))

    def read_log(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def events(self, name):
        """Yields the fields of each line of the log with that event."""
        for line in list(self.lines):
            if f"event={name} " in line + " ":
                with contextlib.suppress(ValueError):  # the line is cut off
                    yield dict(word.partition("=")[::2] for word in shlex.split(line))

    def left_out(self, language, images=None):
        for fields in self.events("language.unavailable"):
            if fields.get("language") == language and (images is None or fields.get("image") in images):
                return fields.get("reason", "")
        for line in list(self.lines):
            if f"/{language}/language.json" in line:
                return line
        return ""

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def __exit__(self, *_):
        self.close()
