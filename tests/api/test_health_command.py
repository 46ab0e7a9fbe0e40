"""`codecell health`: what a container's health check asks."""
import http.server
import socket
import threading

import pytest

from codecell import Server, wait_for

SETTINGS = {"CODECELL_POOL": "*=0"}


@pytest.fixture(scope="module")
def server():
    with Server(SETTINGS, languages=[], ready=False) as one:
        yield one.start()


def is_well(server, **environment):
    """What the command says at last. It gives a server 2 s, in which a busy machine may not get to an answer."""
    def ask():
        done = server.cli("health", **environment)
        return done if done.returncode == 0 else None
    return wait_for("a healthy answer", ask)


def test_a_server_that_is_well(server):
    done = is_well(server, CODECELL_LISTEN=server.address)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("any_address", ["0.0.0.0", "[::]"])
def test_a_wildcard_is_asked_on_loopback(launch, any_address):
    server = launch({**SETTINGS, "CODECELL_LISTEN": f"{any_address}:0"}, languages=[], ready=False)
    port = server.address.rsplit(":", 1)[1]
    is_well(server, CODECELL_LISTEN=f"{any_address}:{port}")


def test_a_unix_socket(launch, tmp_path):
    listen = f"unix:{tmp_path / 's'}"
    server = launch({**SETTINGS, "CODECELL_LISTEN": listen}, languages=[], ready=False)
    is_well(server, CODECELL_LISTEN=listen)
    server.stop()
    assert server.cli("health", CODECELL_LISTEN=listen).returncode == 1


def test_a_proxy_is_not_asked(server):
    is_well(server, CODECELL_LISTEN=server.address, http_proxy="http://127.0.0.1:1", ALL_PROXY="http://127.0.0.1:1")


def test_nobody_listens(server):
    with socket.socket() as taken:  # and nobody else may take the port
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = server.cli("health", CODECELL_LISTEN=address)
    assert done.returncode == 1 and address in done.stderr


def test_one_that_never_answers(server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = server.cli("health", CODECELL_LISTEN=f"127.0.0.1:{silent.getsockname()[1]}")
    assert done.returncode == 1 and done.stderr.strip()


def test_one_that_is_ill(server):
    class Ill(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(503)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ill) as ill:
        threading.Thread(target=ill.serve_forever, daemon=True).start()
        def says_so():
            done = server.cli("health", CODECELL_LISTEN=f"127.0.0.1:{ill.server_port}")
            assert done.returncode == 1
            return "503" in done.stderr
        wait_for("its answer to be told", says_so)
        ill.shutdown()
