"""A Codecell server to ask: one that runs already, or one started here with a scratch folder for its data."""
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
PATIENCE = float(os.environ.get("CODECELL_PATIENCE", "600"))  # seconds for a state to come
ANSWER_WITHIN = 600                                           # seconds for an answer


def program():
    """The server's program: CODECELL_BIN, or what was built last."""
    if os.environ.get("CODECELL_BIN"):
        return os.environ["CODECELL_BIN"]
    built = [path for path in (ROOT / "build/gcc/codecell", ROOT / "build/codecell") if path.is_file()]
    if not built:
        raise Problem("no server is built: cmake --preset release && cmake --build --preset release, or name one by "
                      "CODECELL_BIN, or one that runs by --url and --key")
    return str(max(built, key=lambda path: path.stat().st_mtime))


class Service:
    """A server that answers at `url`."""

    def __init__(self, url, key):
        parts = urllib.parse.urlsplit(url if "://" in url else "http://" + url)
        if parts.scheme != "http" or not parts.hostname:
            raise Problem(f"--url: {url} is not http://HOST:PORT")
        self.address, self.key, self.local = (parts.hostname, parts.port or 80), key, threading.local()
        self.cold = set()  # languages for which no cell came to wait
        self.has_live = False  # whether it offers languages as `live` has them, too

    def ask(self, method, path, body=None):
        """(HTTP status, the answer's content); a connection a thread is kept."""
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
        """(HTTP status, content) of a program; where the server is full or the key too fast, after a wait."""
        end = time.monotonic() + PATIENCE
        while True:
            status, content = self.ask("POST", "/api/v1/execute", request)
            if status not in (429, 503) or time.monotonic() > end:
                return status, content
            time.sleep(0.5)

    def languages(self):
        """{id: what the server tells of it}"""
        status, content = self.ask("GET", "/api/v1/languages")
        if status != 200:
            raise Problem(f"GET /api/v1/languages was answered {status}")
        return {each["id"]: each for each in content["languages"]}

    def wait_cell(self, language, waiting):
        """Waits until the server has a cell ready for a language (with its interpreter held, where it waits).

        In vain once, where the server keeps none of it: after that no more.
        """
        if language in self.cold:
            return
        state, end = "held" if waiting else "ready", time.monotonic() + 20
        pattern = re.compile(r'^codecell_pool_cells\{(?=[^}]*language="%s")(?=[^}]*state="%s")[^}]*\} [1-9]'
                             % (re.escape(language), state), re.M)
        while time.monotonic() < end:
            status, content = self.ask("GET", "/metrics")
            if status != 200 or pattern.search(content):
                return
            time.sleep(0.02)
        self.cold.add(language)

    def left_out(self, _language, _images=None):
        """Why the server does not offer a language, or versions of it in some images alone, as far as it said so."""
        return ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def interrupted(*_):
    raise KeyboardInterrupt


class OwnServer(Service):
    """A server of one's own, with the languages of these folders alone; it ends with the block, also by SIGTERM."""

    def __init__(self, folders, settings=None, languages=()):
        """`languages`: further ones by their language.json; one of a folder's id takes that folder's place."""
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
        """Starts it; its address."""
        self.process = subprocess.Popen([self.program, "serve"], env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
        threading.Thread(target=self.read_log, daemon=True).start()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for fields in self.events("server.listening"):
                return fields["address"]
            if self.process.poll() is not None:
                time.sleep(0.2)
                raise Problem("the server ended at once:\n" + "\n".join(self.lines[-10:]))
            time.sleep(0.02)
        raise Problem("the server does not listen:\n" + "\n".join(self.lines[-10:]))

    def read_log(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def events(self, name):
        """The fields of each line of that event in the log."""
        for line in list(self.lines):
            if f"event={name} " in line + " ":
                with contextlib.suppress(ValueError):  # a line that is cut off
                    yield dict(word.partition("=")[::2] for word in shlex.split(line))

    def left_out(self, language, images=None):
        for fields in self.events("language.left_out"):
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
