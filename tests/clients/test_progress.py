"""`codecell push` and `pull` show how far they are, on a terminal alone and not if they are done at once."""
import http.server
import os
import subprocess
import threading

import pytest

from codecell import BIN
from pseudo_terminal import Terminal

SIZE, FIRST = 30_000_000, 3_000_000
PATIENCE = 60


class Slow(http.server.BaseHTTPRequestHandler):
    """Stops in the middle of a file until the test has seen how far it is."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        self.wfile.write(bytes(FIRST))
        self.server.seen.wait(PATIENCE)
        self.wfile.write(bytes(SIZE - FIRST))

    def do_PUT(self):
        assert int(self.headers["Content-Length"]) == SIZE
        self.rfile.read(FIRST)
        self.server.seen.wait(PATIENCE)
        self.rfile.read(SIZE - FIRST)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def user(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        server.seen = threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "there.bin").write_bytes(bytes(SIZE))
        yield server, {"cwd": tmp_path, "env": {"PATH": os.environ["PATH"], "HOME": str(tmp_path),
                                                "CODECELL_URL": f"http://127.0.0.1:{server.server_port}"}}
        server.shutdown()


@pytest.mark.parametrize("arguments", [["pull", "s", "here.bin"], ["push", "s", "there.bin"]])
def test_on_a_terminal(user, arguments):
    server, options = user
    with Terminal(arguments, **options) as terminal:
        terminal.until(" of 30.0 MB (")
        server.seen.set()
        assert terminal.end() == 0
        terminal.until("\r\x1b[K")  # the line is removed
    assert (options["cwd"] / arguments[-1]).stat().st_size == SIZE


@pytest.mark.parametrize("arguments", [["pull", "s", "here.bin"], ["push", "s", "there.bin"]])
def test_elsewhere(user, arguments):
    server, options = user
    server.seen.set()
    done = subprocess.run([BIN, *arguments], **options, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
