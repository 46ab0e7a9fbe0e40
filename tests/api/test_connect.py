"""GET /api/v1/connect: a program over a WebSocket, with pipes and with a terminal; every refusal and its close code."""
import base64
import json
import signal
import time
from pathlib import Path

import pytest

import node
from codecell import UUID, wait_for
from socket_client import BINARY, CLOSE, PING, TEXT, SocketClient, frame

CLIENTS = Path(__file__).parent / "clients"
SETTINGS = {"CODECELL_CORS": "https://friend.example", "CODECELL_MAX_BODY": "4m", "CODECELL_DRAIN": "20"}
SIZE = {"columns": 80, "rows": 24}


@pytest.fixture
def client(server):
    """client(…) connects with the server's key, and starts a program if there is `code`."""
    opened = []

    def open_one(code=None, language="bash", key=True, early=b"", headers=None, **start):
        one = SocketClient(server, server.any_key if key is True else key, early=early, headers=headers)
        opened.append(one)
        assert one.status == 101, one.headers
        if code is not None:
            one.send(type="start", code=code, language=language, **start)
        return one
    yield open_one
    for one in opened:
        one.socket.close()


def text_of(messages, stream="stdout"):
    return "".join(message["data"] for message in messages if message["type"] == stream)


# A program with pipes.

def test_from_start_to_result(client, server):
    one = client("read name; echo hello $name; echo bad >&2; exit 3", session_id="s1", args=["x"])
    assert one.headers["sec-websocket-protocol"] == "codecell.v1"
    assert "sec-websocket-extensions" not in one.headers
    one.send(type="stdin", data="wörld\n")
    one.send(type="eof")
    messages, code = one.rest()
    assert code == 1000
    first, last = messages[0], messages[-1]
    assert list(first) == ["type", "execution_id", "language", "version", "session_id"], first
    assert first["type"] == "started" and UUID.fullmatch(first["execution_id"]) and first["session_id"] == "s1"
    assert text_of(messages) == "hello wörld\n" and text_of(messages, "stderr") == "bad\n"
    assert all(message["step"] == "run" for message in messages[1:-1])
    assert last["type"] == "result" and last["exit_code"] == 3 and last["status"] == "failed"
    assert last["execution_id"] == first["execution_id"] and not {"stdout", "stderr", "files"} & set(last)
    record = server.get(f"/api/v1/executions/{first['execution_id']}").json
    assert (record["status"], record["stdout_bytes"], record["session_id"]) == ("failed", 13, "s1")


def test_compile_step_and_evaluate(client):
    one = client('#include <stdio.h>\n#warning seen\nint main(void){char b[9];fgets(b,9,stdin);puts(b);}', "c", stdin="a")
    one.send(type="stdin", data="b\n")
    messages, _ = one.rest()
    assert "seen" in text_of([m for m in messages if m.get("step") == "compile"], "stderr")
    assert text_of(messages) == "ab\n\n"  # the request's own input comes first
    one = client("1 + 1", "python", evaluate=True)
    assert one.rest()[0][-1]["result"] == "2"


def test_files_come_back_before_the_result(client):
    messages, code = client("echo 1 > a.txt; mkdir d; printf '\\377' > d/b.bin; echo 2", outputs=["**"]).rest()
    files = [message for message in messages if message["type"] == "file"]
    assert [(file["path"], base64.b64decode(file["content"]), file["size"]) for file in files] == [
        ("a.txt", b"1\n", 2), ("d/b.bin", b"\xff", 1)]
    assert [file["media_type"] for file in files] == ["text/plain", "application/octet-stream"]
    assert [message["type"] for message in messages[-3:]] == ["file", "file", "result"] and code == 1000
    assert "files" not in messages[-1] and text_of(messages) == "2\n"


def test_input_in_base64_and_binary_output(client):
    one = client("head -c 4; printf '\\xc3'; sleep 0.1; printf '\\xa4\\xff'")
    one.send(type="stdin", data=base64.b64encode(b"a\0b\n").decode(), encoding="base64")
    assert text_of(one.rest()[0]) == "a\0b\nä\ufffd"


def test_signals(client):
    names = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGWINCH"]
    one = client("import signal,sys,time\nfor n in sys.argv[1:]:\n signal.signal(getattr(signal,n),"
                 "lambda s,f:print(signal.Signals(s).name,flush=True))\nprint('ready',flush=True)\n"
                 "while True: time.sleep(0.1)", "python", args=names)
    one.until_text("ready\n")
    for name in names:
        one.send(type="signal", signal=name)
        one.until_text(name + "\n")
    one.send(type="signal", signal="SIGKILL")
    last = one.rest()[0][-1]
    assert (last["exit_code"], last["signal"], last["status"]) == (137, "SIGKILL", "failed")


def test_a_timeout_is_a_result_with_detail(client):
    last = client("echo a; sleep 100", timeout=1).rest()[0][-1]
    assert (last["type"], last["status"], last["exit_code"]) == ("result", "timed_out", 124)
    assert last["detail"] == "Execution failed: container timeout"


def test_much_both_ways(client):
    """8 MiB through cat: neither side is let ahead by more than the buffers on the way."""
    one = client("cat", limits={"output_kb": 16384})
    piece, sent, out = "x" * 500000, 0, 0
    while sent < 16:
        one.send(type="stdin", data=piece)
        sent += 1
        while out < (sent - 4) * len(piece):
            out += len(one.message().get("data", ""))
    one.send(type="eof")
    messages, code = one.rest()
    assert (out + len(text_of(messages)), messages[-1]["exit_code"], code) == (16 * len(piece), 0, 1000)


def test_input_faster_than_the_program(client, server):
    """The socket is not read, however much the client wants to send; then all of it arrives."""
    one = client("sleep 8; wc -c", limits={"memory_mb": 256})
    one.until("started")
    one.socket.settimeout(0.5)
    piece, sent = frame(TEXT, json.dumps({"type": "stdin", "data": "x" * 100000}).encode()), 0
    data = memoryview(piece * 200)
    with pytest.raises(TimeoutError):
        while sent < len(data):
            sent += one.socket.send(data[sent:])
    assert sent < 15000000
    one.socket.settimeout(60)
    one.raw(data[sent:])
    one.send(type="eof")
    assert text_of(one.rest()[0]) == "20000000\n"


def test_a_client_that_reads_nothing_holds_the_program(client, server):
    one = client("yes | head -c 16000000; echo end >&2", limits={"output_kb": 16384})
    one.until("started")
    time.sleep(1)
    assert server.get("/api/v1/executions?status=running").json["items"], "it waits for its reader"
    messages, code = one.rest()
    assert (len(text_of(messages)), text_of(messages, "stderr"), code) == (16000000, "end\n", 1000)


def test_who_leaves_ends_the_run(client, server):
    ways = {"close": lambda one: one.raw(frame(CLOSE, b"\x03\xe8")), "end": lambda one: one.socket.close()}
    for way in ways.values():
        one = client("sleep 300")
        started = one.until("started")[-1]
        way(one)
        wait_for("cancelled", lambda: server.get(f"/api/v1/executions/{started['execution_id']}").json["status"]
                 == "cancelled")


# With a terminal.

def test_python_in_a_terminal(client):
    one = client("import code; code.interact('hi')", "python", terminal=SIZE)
    one.until_text(">>> ")
    one.send(type="stdin", data="6*7\n")
    assert "42\r\n" in one.until_text("42\r\n>>> ")
    one.send(type="stdin", data="while True: pass\n\n")
    one.until_text("... ")
    time.sleep(0.5)  # the loop has to begin
    one.send(type="stdin", data="\x03")
    one.until_text("KeyboardInterrupt\r\n>>> ")
    one.send(type="stdin", data="import os; os.get_terminal_size(), os.environ['TERM']\n")
    one.until_text("(os.terminal_size(columns=80, lines=24), 'xterm-256color')")
    one.send(type="resize", columns=132, rows=50)
    one.send(type="stdin", data="import os; os.get_terminal_size()\n")
    one.until_text("columns=132, lines=50")
    one.until_text(">>> ")
    one.send(type="eof")
    messages, code = one.rest()
    assert (messages[-1]["exit_code"], code) == (0, 1000)
    assert text_of(messages, "stderr") == ""


def test_a_shell_in_a_terminal(client):
    """It is the controlling terminal, with job control, and a program that redraws comes through as it is."""
    one = client("exec bash --norc -i", terminal=SIZE)
    one.until_text("$ ")
    one.send(type="stdin", data="PS1='> '; stty -echo\n")
    one.until_text("> ")
    one.send(type="stdin", data="tty; stty size; echo to-the-terminal >/dev/tty\n")
    assert one.until_text("to-the-terminal\r\n").endswith("/dev/pts/0\r\n24 80\r\nto-the-terminal\r\n")
    one.send(type="stdin", data="trap 'stty size' WINCH; echo s''et\n")
    one.until_text("set\r\n")
    one.send(type="resize", columns=100, rows=30)
    one.send(type="stdin", data="\n")
    one.until_text("30 100")
    one.send(type="stdin", data="printf '\\033[?1049h\\033[H\\033[2J~\\r\\n\\033[7mINSERT\\033[0m\\033[24;1H'\n")
    one.until_text("\x1b[?1049h\x1b[H\x1b[2J~\r\r\n\x1b[7mINSERT\x1b[0m\x1b[24;1H")
    one.send(type="stdin", data="sh -c 'echo be''gun; exec sleep 300'\n")
    one.until_text("begun")
    one.send(type="signal", signal="SIGINT")  # to the foreground group: the shell goes on
    one.send(type="stdin", data="echo still $((40 + 2))\n")
    one.until_text("still 42")
    one.send(type="stdin", data="exit 9\n")
    assert one.rest()[0][-1]["exit_code"] == 9


def test_the_count_of_terminals_is_bounded(client):
    one = client("import os\nfds = []\ntry:\n  while True: fds.append(os.openpty())\nexcept OSError as e: print(e.errno)\n"
                 "import time; time.sleep(1)", "python", terminal=SIZE)
    last = one.rest()[0][-1]
    assert last["status"] == "out_of_memory", last


@pytest.mark.parametrize("how", ["header", "message"])
def test_python_by_the_package_ws(server, how):
    folder = node.install("socket", CLIENTS)
    seen = json.loads(node.run(["node", "terminal.mjs", f"ws://{server.address}/api/v1/connect", server.any_key, how],
                               folder))
    assert (seen["code"], seen["reason"], seen["protocol"], seen["extensions"]) == (1000, "", "codecell.v1", "")
    assert seen["types"] == ["started", "stdout", "result"], seen
    assert (seen["last"]["exit_code"], seen["last"]["signal"]) == (5, None)
    assert "42\r\n" in seen["stdout"] and "KeyboardInterrupt" in seen["stdout"]


# The key.

def test_a_key_in_the_first_message(client, server):
    one = client(key=None, headers={"Origin": f"http://{server.address}"})
    one.send(type="key", key=server.any_key)
    one.send(type="start", code="cat", language="bash")
    one.send(type="stdin", data="right behind")
    one.send(type="eof")
    messages, code = one.rest()
    assert (text_of(messages), code) == ("right behind", 1000)


def test_everything_ahead_of_the_answer(client, server):
    """Key, start and input in one piece with the handshake."""
    data = b"".join(frame(TEXT, json.dumps(message).encode()) for message in [
        {"type": "key", "key": server.any_key}, {"type": "start", "code": "cat", "language": "bash"},
        {"type": "stdin", "data": "x" * 50000}, {"type": "eof"}])
    messages, code = client(key=None, early=data).rest()
    assert (text_of(messages), code) == ("x" * 50000, 1000)


@pytest.mark.parametrize("first, status, detail", [
    ({"type": "key", "key": "cc_wrong"}, 401, "Invalid API key"),
    ({"type": "start", "code": "1", "language": "python"}, 401, "API key is required"),
    ({"type": "key"}, 401, "API key is required"),
])
def test_a_key_that_is_refused(client, first, status, detail):
    one = client(key=None)
    one.send(**first)
    messages, code = one.rest()
    assert (messages, code) == ([{"type": "error", "status": status, "detail": detail}], 1008)


def test_a_key_message_of_64_kib_at_most(client):
    one = client(key=None)
    one.send(type="key", key="x" * 65536)
    messages, code = one.rest()
    assert (messages[0]["status"], code) == (413, 1009)


# What is refused.

def refused(one):
    messages, code = one.rest()
    assert [message["type"] for message in messages] == ["error"], messages
    return messages[0]["status"], messages[0]["detail"], code


@pytest.mark.parametrize("message, detail", [
    ({"code": "1", "language": "python"}, "type: is required"),
    ({"type": "stdin", "data": "x"}, "type: must be"),
    ({"type": "start", "language": "python"}, "code: is required"),
    ({"type": "start", "code": "1", "language": "cobol"}, "Unsupported language: cobol."),
    ({"type": "start", "code": "1", "language": "python", "timeout": 301}, "timeout: must be an integer from 1 to 300"),
    ({"type": "start", "code": "1", "language": "python", "terminal": {"columns": 80}}, "terminal.rows: is required"),
    ({"type": "start", "code": "1", "language": "python", "terminal": {"columns": 0, "rows": 1}},
     "terminal.columns: must be an integer from 1 to 1000"),
    ({"type": "start", "code": "1", "language": "python", "session_id": "k", "kernel": True, "terminal": SIZE},
     "terminal: a kernel has none"),
    ({"type": "start", "code": "1", "language": "python", "webhook": {"url": "http://x", "secret": "x"}}, "webhook"),
])
def test_a_start_that_is_wrong(client, message, detail):
    one = client()
    one.send(**message)
    status, sentence, code = refused(one)
    assert (status, code) == (400, 1008) and sentence.startswith(detail), sentence


@pytest.mark.parametrize("message, detail", [
    ({"type": "start", "code": "1", "language": "python"}, "start: came already"),
    ({"type": "key", "key": "x"}, "key: is known already"),
    ({"type": "signal", "signal": "SIGSTOP"}, "signal: must be"),
    ({"type": "resize", "columns": 80, "rows": 24}, "resize: start asked for no terminal"),
    ({"type": "stdin", "data": "%", "encoding": "base64"}, "data: must be base64"),
    ({"type": "stdin"}, "data: is required"),
    ({"type": "dance"}, "type: must be"),
    ([], "a message must be a JSON object"),
])
def test_a_later_message_that_is_wrong(client, server, message, detail):
    one = client("sleep 300")
    started = one.until("started")[-1]
    one.raw(frame(TEXT, json.dumps(message).encode()))
    status, sentence, code = refused(one)
    assert (status, code) == (400, 1008) and sentence.startswith(detail), sentence
    wait_for("cancelled", lambda: server.get(f"/api/v1/executions/{started['execution_id']}").json["status"]
             == "cancelled")


def test_input_after_eof(client):
    one = client("sleep 300")
    one.until("started")
    one.send(type="eof")
    one.send(type="stdin", data="x")
    assert refused(one) == (400, "stdin: comes after eof", 1008)


def test_over_the_rate(client, server):
    key = server.key(rate=1)
    assert client("echo 1", key=key).rest()[1] == 1000
    status, detail, code = refused(client("echo 1", key=key))
    assert (status, detail, code) == (429, "Rate limit exceeded. Please try again later.", 1013)
    assert server.execute("1", key=key).status == 429  # they share one rate


def test_out_of_credits(client, server):
    key = server.key(credits="1")
    assert client("echo 1", key=key).rest()[1] == 1000
    assert refused(client("echo 1", key=key)) == (402, "Out of credits", 1008)


# The handshake.

@pytest.mark.parametrize("options, status, detail", [
    ({"version": "8"}, 426, "Sec-WebSocket-Version: must be 13"),
    ({"upgrade": False}, 426, "This address speaks WebSocket"),
    ({"headers": {"Sec-WebSocket-Key": "short"}}, 400, "Sec-WebSocket-Key: must be 16 bytes in base64"),
    ({"headers": {"Sec-WebSocket-Protocol": "other"}}, 400, "Sec-WebSocket-Protocol: must offer codecell.v1"),
    ({"headers": {"Origin": "https://evil.example"}}, 403, "Origin: "),
    ({"headers": {"Origin": "null"}}, 403, "Origin: "),
    ({"key": "cc_wrong"}, 401, "Invalid API key"),
])
def test_a_handshake_that_is_refused(server, options, status, detail):
    one = SocketClient(server, **{"key": server.any_key, **options})
    assert one.status == status and one.body()["detail"].startswith(detail)
    if status == 426:
        assert (one.headers["sec-websocket-version"], one.headers["upgrade"]) == ("13", "websocket")
    one.socket.close()


def test_a_handshake_that_is_taken(client, server):
    for headers in [{"Origin": "https://friend.example"}, {"Origin": f"http://{server.address}"},
                    {"Sec-WebSocket-Protocol": None}, {"Sec-WebSocket-Protocol": "other, codecell.v1"}]:
        one = client("echo 1", headers=headers)
        assert one.headers.get("sec-websocket-protocol") == (None if None in headers.values() else "codecell.v1")
        assert one.rest()[1] == 1000


# Frames.

def parts(payload, size):
    """A message in fragments."""
    pieces = [payload[at:at + size] for at in range(0, len(payload), size)]
    return b"".join(frame(TEXT if at == 0 else 0, piece, fin=at == len(pieces) - 1) for at, piece in enumerate(pieces))


def test_fragments_of_one_byte_with_pings_between(client):
    one = client()
    message = json.dumps({"type": "start", "code": "echo ä", "language": "bash"}, ensure_ascii=False).encode()
    one.raw(parts(message, 1))
    one.raw(frame(PING, b"between"))
    messages, code = one.rest()
    assert (text_of(messages), code, one.pongs) == ("ä\n", 1000, [b"between"])


BAD = {
    "bad UTF-8": (frame(TEXT, b'{"type":"\xff"}'), 1007),
    "half a character": (frame(TEXT, b'{"type":"\xc3'), 1007),
    "bad UTF-8 in a close": (frame(CLOSE, b"\x03\xe8\xff"), 1007),
    "no mask": (frame(TEXT, b"{}", mask=None), 1002),
    "a control frame over 125": (frame(PING, b"x" * 126), 1002),
    "a control frame in fragments": (frame(PING, b"x", fin=False), 1002),
    "a reserved bit": (frame(TEXT, b"{}", rsv=4), 1002),
    "an unknown opcode": (frame(3, b"{}"), 1002),
    "a fragment without a beginning": (frame(0, b"{}"), 1002),
    "a message within another": (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002),
    "a close code that is none": (frame(CLOSE, b"\x03\xec"), 1002),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "binary": (frame(BINARY, b"{}"), 1003),
    "2 MiB": (frame(TEXT, b'{"type":"stdin","data":"' + b"x" * (2 << 20) + b'"}'), 1009),
    "2 MiB in fragments": (parts(b"x" * (2 << 20), 65536), 1009),
    "2 to the 62": (frame(TEXT, b"{}", length=1 << 62), 1009),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_frame_ends_the_run(client, server, name):
    data, wanted = BAD[name]
    one = client("sleep 300")
    started = one.until("started")[-1]
    one.raw(data)
    messages, code = one.rest()
    assert code == wanted and [(m["type"], m["status"]) for m in messages] == [("error", 413 if wanted == 1009 else 400)]
    wait_for("cancelled", lambda: server.get(f"/api/v1/executions/{started['execution_id']}").json["status"]
             == "cancelled")


def test_a_start_as_large_as_a_body(client):
    one = client("wc -c", files=[{"path": "f", "content": "x" * 2000000}], stdin="y" * 1000000)
    one.send(type="eof")
    assert text_of(one.rest()[0]) == "1000000\n"
    one = client("true", stdin="y" * 4200000)
    assert one.rest()[1] == 1009


def test_the_clients_close_is_answered(client):
    for payload, code in [(b"\x0f\xa0why", b"\x0f\xa0"), (b"", b"")]:
        one = client()
        one.raw(frame(CLOSE, payload))
        assert one.receive() == (CLOSE, code)
        one.ended()


def test_nothing_is_left(server):
    wait_for("no connection but ours", lambda: server.connections() == 0)


def test_shutting_down(launch):
    server = launch(SETTINGS, languages=["bash"])
    waits, runs = SocketClient(server, server.any_key), SocketClient(server, server.any_key)
    runs.send(type="start", code="read x; echo $x", language="bash")
    runs.until("started")
    server.signal(signal.SIGTERM)
    assert refused(waits)[::2] == (503, 1001)
    runs.send(type="stdin", data="goes on\n")
    messages, code = runs.rest()
    assert (text_of(messages), code) == ("goes on\n", 1000)
    server.check_ended()


def test_a_forced_end(launch):
    """A second SIGTERM cancels what still runs."""
    server = launch(SETTINGS, languages=["bash"])
    runs = SocketClient(server, server.any_key)
    runs.send(type="start", code="sleep 300", language="bash")
    runs.until("started")
    server.signal(signal.SIGTERM)
    server.wait_event("server.draining")
    server.signal(signal.SIGTERM)
    messages, code = runs.rest()
    assert (messages[-1]["type"], code) == ("result", 1001) and "shutting down" in messages[-1]["detail"]
    server.check_ended()
