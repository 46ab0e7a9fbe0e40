"""Webhooks: signed by the Standard Webhooks convention, tried again, and sent to public addresses alone."""
import base64
import http.server
import json
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import pytest

import node
from codecell import wait_for

CLIENTS = Path(__file__).parent / "clients"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
SETTINGS = {"CODECELL_WEBHOOK_ALLOW": "127.0.0.0/8", "CODECELL_POOL": "bash=2,*=0"}
STATUS = "/api/v1/execute/status/"


class Receiver(http.server.ThreadingHTTPServer):
    """Notes what it gets; answers(path, count) gives (status, headers, body), and may take its time."""
    daemon_threads = True

    def __init__(self, answers=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.answers = [], answers or (lambda path, count: (204, {}, b""))
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.server_port}{path}"

    def of(self, path="/hook"):
        return [one for one in self.got if one["path"] == path]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.got.append({"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body,
                                "time": time.monotonic()})
        status, headers, content = self.server.answers(self.path, len(self.server.of(self.path)))
        try:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            pass

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.shutdown()
    one.server_close()


def accept(server, url, key=None, code="echo 1", secret=SECRET):
    body = {"code": code, "language": "bash", "webhook": {"url": url, "secret": secret}}
    answer = server.request("POST", "/api/v1/execute/async", body, key=key or server.any_key)
    assert answer.status == 202, answer
    return answer.json["execution_id"]


def webhook(server, id_, key=None):
    return server.get(STATUS + id_, key=key or server.any_key).json["webhook"]


def wait_webhook(server, id_, key=None, **wanted):
    """attempts: at least so many, because the next one comes 5 s later."""
    def is_wanted(seen):
        return all(seen[name] >= value if name == "attempts" else seen[name] == value for name, value in wanted.items())
    return wait_for(f"a webhook of {wanted}", lambda: (lambda seen: seen if is_wanted(seen) else None)(
        webhook(server, id_, key)))


def verify(messages):
    folder = node.install("webhooks", CLIENTS)
    done = subprocess.run(["node", "verify.mjs"], cwd=folder, input=json.dumps(messages), capture_output=True, text=True,
                          timeout=60, check=True)
    return json.loads(done.stdout)


def signed(one, **changes):
    return {"secret": SECRET, "headers": one["headers"], "body": one["body"], **changes}


def test_the_object_comes_signed(server, key, receiver):
    id_ = accept(server, receiver.url(), key, "echo hello; exit 2")
    seen = wait_webhook(server, id_, key, status="delivered")
    assert seen == {"status": "delivered", "attempts": 1, "last_error": None, "next_attempt_at": None}
    (got,) = receiver.got
    assert got["headers"]["content-type"] == "application/json" and got["headers"]["webhook-id"] == "msg_" + id_
    assert got["headers"]["user-agent"].startswith("codecell/")
    expected = server.get(STATUS + id_, key=key).json
    del expected["webhook"]
    assert json.loads(got["body"]) == expected and expected["result"]["stdout"] == "hello\n"
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    assert server.metrics()["codecell_webhook_tries_total"][frozenset({("outcome", "delivered")})] >= 1
    good, changed, foreign = verify([signed(got), signed(got, body=got["body"] + " "), signed(got, secret=other)])
    assert good == expected
    assert changed == foreign == "No matching signature found"


def test_without_a_webhook_there_is_none_in_the_object(server, key):
    answer = server.request("POST", "/api/v1/execute/async", {"code": "echo", "language": "bash"}, key=key)
    assert "webhook" not in server.get(STATUS + answer.json["execution_id"], key=key).json


def test_it_is_tried_again_with_the_same_id(server, key, receiver):
    receiver.answers = lambda path, count: (500 if count == 1 else 200, {}, b"thanks")
    id_ = accept(server, receiver.url(), key)
    seen = wait_webhook(server, id_, key, attempts=1)
    assert (seen["status"], seen["last_error"]) == ("pending", "it answered 500") and seen["next_attempt_at"]
    seen = wait_webhook(server, id_, key, status="delivered")
    assert (seen["attempts"], seen["last_error"]) == (2, None)
    first, second = receiver.got
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"]
    assert first["body"] == second["body"] and 4.5 < second["time"] - first["time"] < 30
    assert int(second["headers"]["webhook-timestamp"]) > int(first["headers"]["webhook-timestamp"])
    assert all(isinstance(one, dict) for one in verify([signed(first), signed(second)]))


def test_redirects_are_not_followed(server, key, receiver):
    receiver.answers = lambda path, count: (302, {"Location": receiver.url("/elsewhere")}, b"")
    id_ = accept(server, receiver.url(), key)
    assert wait_webhook(server, id_, key, attempts=1)["last_error"] == "it answered 302"
    assert receiver.of("/elsewhere") == []


def test_an_answer_that_is_too_large(server, key, receiver):
    receiver.answers = lambda path, count: (200, {}, b"x" * 100_000)
    id_ = accept(server, receiver.url(), key)
    assert wait_webhook(server, id_, key, attempts=1)["last_error"] == "its answer is over 64 KiB"


def test_a_host_that_never_answers_holds_up_its_own_key_alone(server, key, receiver):
    over = threading.Event()
    receiver.answers = lambda path, count: over.wait(60) and (200, {}, b"") if path == "/slow" else (200, {}, b"")
    other = server.key()
    slow = [accept(server, receiver.url("/slow"), key) for _ in range(8)]
    wait_for("four tries", lambda: len(receiver.of("/slow")) == 4)
    wait_webhook(server, accept(server, receiver.url("/fast"), other), other, status="delivered")
    assert [one["path"] for one in receiver.got].index("/fast") == 4  # before a fifth slow one
    assert any(webhook(server, id_, key)["last_error"] == "no answer within 10 s" for id_ in slow if wait_for(
        "a timeout", lambda: any(webhook(server, one, key)["attempts"] for one in slow)))
    over.set()


def test_nobody_listens(server, key):
    id_ = accept(server, "http://127.0.0.1:1/", key)
    assert wait_webhook(server, id_, key, attempts=1)["last_error"]
    id_ = accept(server, "http://nothing.invalid/", key)
    assert "resolve" in wait_webhook(server, id_, key, attempts=1)["last_error"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0.0.0.0", "[::1]",
                                  "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1", "192.168.0.1"])
def test_addresses_that_are_not_public(private, receiver, host):
    id_ = accept(private, f"http://{host}:{receiver.server_port}/hook")
    assert wait_webhook(private, id_, attempts=1)["last_error"] == "its address is not public"
    assert receiver.got == []


@pytest.fixture(scope="module")
def private():
    """A server that allows no other addresses, and whose environment names a proxy."""
    from codecell import Server
    with Server({"CODECELL_POOL": "bash=2,*=0"}, languages=["bash"]) as one:
        one.settings.update({"http_proxy": "http://127.0.0.1:1", "all_proxy": "http://127.0.0.1:1"})
        yield one.start()


def change(server, sql):
    with sqlite3.connect(next(server.data_dir.glob("*.db"))) as database:
        database.execute(sql)


def test_after_eight_tries_it_is_given_up(launch, receiver):
    receiver.answers = lambda path, count: (503, {}, b"")
    server = launch(SETTINGS, languages=["bash"])
    id_ = accept(server, receiver.url())
    wait_webhook(server, id_, attempts=1)
    server.stop()
    tries = len(receiver.got)
    change(server, "update webhooks set attempts = 7, next_ms = 1")
    server.start()
    seen = wait_webhook(server, id_, status="failed")
    assert (seen["attempts"], seen["last_error"], seen["next_attempt_at"]) == (8, "it answered 503", None)
    assert len(receiver.got) == tries + 1


@pytest.mark.parametrize("moment", ["before", "during", "between"])
def test_killed_before_and_in_its_tries(launch, receiver, moment):
    """At least once, with the same id, whenever the server is killed."""
    over = threading.Event()
    answers = {"during": lambda path, count: (over.wait(20), (200, {}, b""))[1],
               "between": lambda path, count: (500 if count == 1 else 200, {}, b"")}
    receiver.answers = answers.get(moment, receiver.answers)
    server = launch(SETTINGS, languages=["bash"])
    id_ = accept(server, receiver.url(), code="sleep 6; echo 1" if moment == "before" else "echo 1")
    if moment == "before":
        wait_for("it runs", lambda: server.executions(status="running"))
    elif moment == "during":
        wait_for("a try", lambda: receiver.got)
    else:
        wait_webhook(server, id_, attempts=1)
    server.kill()
    over.set()
    server.start()
    wait_webhook(server, id_, status="delivered")
    assert {one["headers"]["webhook-id"] for one in receiver.got} == {"msg_" + id_}
    assert len(receiver.got) == {"before": 1, "during": 2, "between": 2}[moment]
    assert len({one["body"] for one in receiver.got}) == 1


def test_many(server, key, receiver):
    ids = [accept(server, receiver.url(f"/{i}"), key) for i in range(30)]
    wait_for("all of them", lambda: len(receiver.got) == 30)
    for id_ in ids:
        wait_webhook(server, id_, key, status="delivered")
    assert len({one["headers"]["webhook-id"] for one in receiver.got}) == 30


def test_a_removed_session_tells_nobody(launch, receiver):
    server = launch({**SETTINGS, "CODECELL_CONCURRENCY": 1, "CODECELL_CONCURRENCY_EXTRA": 0}, languages=["bash"])
    receiver.answers = lambda path, count: (500, {}, b"")
    body = {"code": "echo 1", "language": "bash", "session_id": "s",
            "webhook": {"url": receiver.url(), "secret": SECRET}}
    id_ = server.request("POST", "/api/v1/execute/async", body).json["execution_id"]
    wait_webhook(server, id_, attempts=1)
    assert server.request("DELETE", "/api/v1/sessions/s").status == 200
    wait_for("its end", lambda: server.database("select count(*) from webhooks") == [(0,)])
    again = accept(server, receiver.url("/other"))
    wait_webhook(server, again, attempts=1)
    assert len(receiver.of("/hook")) == 1
