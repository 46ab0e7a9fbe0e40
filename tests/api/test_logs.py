"""Logs: one line an event, with a request id, and never a key, code or output."""
import json
import re

import pytest

from codecell import log_fields, wait_for

LEVELS = {"debug", "info", "warn", "error"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def exercise(server):
    """Requests of all kinds, holding words that no log may hold; their X-Request-Ids."""
    answers = [
        server.execute("echo WORD-CODE; echo $((40+2))WORD-OUT; echo 43WORD-ERR >&2; cat; exit 3", "bash",
                       stdin="WORD-STDIN", args=["WORD-ARGS"], environment={"A": "WORD-ENV"},
                       files=[{"path": "f", "content": "WORD-FILE"}]),
        server.execute("echo 44WORD-LATE; sleep 99 # WORD-CODE", "bash", timeout=1),
        server.execute("int main(WORD-CODE", "c"),
        server.post(b'{"code": "WORD-CODE'),
        server.post({"code": "WORD-CODE", "language": "WORD-LANGUAGE"}),
        server.post({"code": "WORD-CODE", "language": "bash", "stdin": 1}),
        server.post(b"{}", key="cc_WORDKEYAWORDKEYWORDKEYWORDKEYWORDKEYWORDK"),
        server.get("/api/v1/executions?x=WORD-QUERY"),
    ]
    return [answer.header("X-Request-Id") for answer in answers]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("level", ["debug", "info"])
def test_the_log(launch, form, level):
    server = launch({"CODECELL_LOG_FORMAT": form, "CODECELL_LOG_LEVEL": level}, languages=["bash", "c"])
    ids = exercise(server)
    server.stop()
    assert "WORD" not in server.log
    assert server.any_key[11:] not in server.log
    for line in server.lines:
        fields = json.loads(line) if form == "json" else log_fields(line)
        assert TIME.fullmatch(fields["ts"]) and fields["level"] in LEVELS and fields["event"], line
    for id_ in ids:
        assert any(id_ in line for line in server.lines), id_


def test_a_client_cannot_write_lines_of_its_own(launch):
    server = launch({"CODECELL_POOL": "*=0"}, languages=[])
    server.get("/a%0aevent=forged%20level=error%22%20x=%22", key=None)
    server.get("/api/v1/sessions/x%0d%0aevent=forged")
    server.post({"code": "x", "language": "x\nevent=forged\x1b[31m"})
    server.get("/health", key=None, headers={"X-Request-Id": "a\" event=forged", "User-Agent": "event=forged\x85"})
    server.stop()
    for line in server.lines:
        assert log_fields(line)["event"] != "forged" and "\x1b" not in line


def test_the_least_level(launch):
    server = launch({"CODECELL_LOG_LEVEL": "debug"}, languages=[])
    assert wait_for("a line of debug", lambda: any(log_fields(line)["level"] == "debug" for line in server.lines))


def test_an_execution_in_the_log(server):
    answer = server.execute("exit 3", "bash")
    id_ = answer.json["execution_id"]
    line = wait_for("its line", lambda: [line for line in list(server.lines) if id_ in line])[-1]
    assert log_fields(line)["language"] == "bash"
