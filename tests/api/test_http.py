"""HTTP/1.1 on the wire: framing, keep-alive, pipelining, timeouts, caps, and clients that leave."""
import gzip
import json
import os
import select
import time

import pytest

from codecell import PATIENCE, Server, wait_for

GET = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


def post(server, body, *headers, key=None, length=True):
    """The bytes of a POST /api/v1/execute."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = ["POST /api/v1/execute HTTP/1.1", "Host: x", "Content-Type: application/json",
             "X-API-Key: " + (key or server.any_key), *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def bash(code, **fields):
    return {"code": code, "language": "bash", **fields}


def chunked(body, size):
    """A body in chunks of this size."""
    parts = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


# Framing: 400 before all else, and the connection closes.

@pytest.mark.parametrize("request_", [
    "GET /health HTTP/1.1\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: x\r\nA: 1\r\n 2\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: x\r\nA : 1\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: x\r\n A: 1\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: x\r\nA\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: x\r\nA(b): 1\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: x\r\n: 1\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: x\r\nA: 1\rB: 2\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: x\r\nA: a\0b\r\n\r\n",
    "GET /health HTTP/1.1\nHost: x\n\n",
    "GET /health HTTX/1.1\r\nHost: x\r\n\r\n",
    "GET /health\r\n\r\n",
    "GET  /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /he alth HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET health HTTP/1.1\r\nHost: x\r\n\r\n",
    *[f"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n" for host in (
        "host:99999", "host:65536", "host:abc", "host:-1", "host:8:8", ":80", "::1", "[::1", "::1]", "[zz]", "[]",
        "[::1]x", "[::1]:99999", "[::1]:x", "%zz", "a%2", "user@host", "a b", "a/b")],
    *[f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n" for target in (
        "http:///health", "http://:80/health", "http://x:99999/health", "http://x:abc/health", "http://[::1/health",
        "http://[zz]/health", "http://a@x/health", "http://x#/health", "http://%zz/health",
        "/%zz", "/health%2", "/health?a=%zz", "/health?%2", "/health/%", "http://x/health?a=%")],
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
])
def test_a_head_that_is_wrong(server, request_):
    with server.wire() as wire:
        answer = wire.send(request_.encode("latin-1")).answer()
        assert answer.status == 400 and answer.detail and answer.header("Connection") == "close", answer
        wire.rest()


@pytest.mark.parametrize("line,status", [
    ("GET /health HTTP/2.0", 505), ("GET /health HTTP/1.2", 505), ("GET /health HTTP/0.9", 505),
    ("PRI * HTTP/2.0", 505), ("get /health HTTP/1.1", 501), ("NONSENSE /health HTTP/1.1", 501),
])
def test_a_version_and_a_method_that_nobody_knows(server, line, status):
    """RFC 9110 has other answers for these; the connection closes all the same."""
    with server.wire() as wire:
        answer = wire.send(f"{line}\r\nHost: x\r\n\r\n").answer()
        assert answer.status in (400, status) and answer.detail and answer.header("Connection") == "close", answer
        wire.rest()


@pytest.mark.parametrize("headers", [
    ["Content-Length: 2", "Transfer-Encoding: chunked"], ["Transfer-Encoding: chunked", "Content-Length: 2"],
    ["Content-Length: 2", "Content-Length: 3"], ["Content-Length: +2"], ["Content-Length: -1"], ["Content-Length: 2x"],
    ["Content-Length: 0x2"], ["Content-Length: "], ["Content-Length: 99999999999999999999999"],
    ["Content-Length: 2, 3"], ["Transfer-Encoding: gzip, chunked"], ["Transfer-Encoding: chunked, gzip"],
    ["Transfer-Encoding: identity"], ["Transfer-Encoding: xchunked"], ["Transfer-Encoding: chunked, chunked"],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], ["Transfer-Encoding:\x0bchunked"],
])
def test_a_body_that_could_be_read_in_two_ways(server, headers):
    with server.wire() as wire:
        answer = wire.send(post(server, b"{}", *headers, length=False)).answer()
        assert answer.status == 400 and answer.header("Connection") == "close", answer
        wire.rest()


@pytest.mark.parametrize("body", [b"x\r\n{}\r\n0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n", b"2\r\n{}0\r\n\r\n",
                                  b"2\n{}\n0\n\n",
                                  b"fffffffffffffffff\r\n{}", b"2 \r\n{}\r\n0\r\n\r\n", b"\r\n",
                                  b"2 2;a\r\n{}\r\n0\r\n\r\n", b" 2;a\r\n{}\r\n0\r\n\r\n",
                                  b"0x2\r\n{}\r\n0\r\n\r\n",
                                  b"2\r\n{}\r\n0\r\nBad Trailer: 1\r\n\r\n"])
def test_chunks_that_are_wrong(server, body):
    with server.wire() as wire:
        answer = wire.send(post(server, body, "Transfer-Encoding: chunked", length=False)).answer()
        assert answer.status == 400 and answer.header("Connection") == "close", answer
        wire.rest()


@pytest.mark.parametrize("header,value,status", [
    ("A", "x" * 300_000, 431), ("A" * 300_000, "x", 431), ("Cookie", "x" * 2000, 200),
])
def test_the_size_of_a_head(server, header, value, status):
    with server.wire() as wire:
        answer = wire.send(f"GET /health HTTP/1.1\r\nHost: x\r\n{header}: {value}\r\n\r\n").answer()
        assert answer.status == status, answer
        if status == 431:
            assert answer.detail and answer.header("Connection") == "close"


def test_the_number_of_headers(server):
    with server.wire() as wire:
        lines = "".join(f"a{i}: \r\n" for i in range(1000))
        answer = wire.send(f"GET /health HTTP/1.1\r\nHost: x\r\n{lines}\r\n").answer()
        assert answer.status == 431 and answer.header("Connection") == "close", answer


def test_a_target_without_end(server):
    with server.wire() as wire:
        answer = wire.send("GET /" + "a" * 300_000 + " HTTP/1.1\r\nHost: x\r\n\r\n").answer()
        assert answer.status == 414 and answer.detail and answer.header("Connection") == "close", answer


@pytest.mark.parametrize("target", ["/health", "/health/", "/health?x=1", "/health?", "/%68ealth", "http://x/health",
                                    "http://[::1]:80/health", "HTTP://x:/health"])
def test_targets_that_mean_the_same(server, target):
    with server.wire() as wire:
        assert wire.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").answer().status == 200


@pytest.mark.parametrize("host", ["", "x:", "x:65535", "[::1]", "[::1]:80", "[::ffff:1.2.3.4]", "a_b-c.d", "%41"])
def test_hosts_that_may_be(server, host):
    with server.wire() as wire:
        assert wire.send(f"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n").answer().status == 200


@pytest.mark.parametrize("target", ["/a#b", "/\x7f", "/<>\"", "/\xff"])
def test_strange_targets_are_refused_but_answered(server, target):
    with server.wire() as wire:
        answer = wire.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode("latin-1")).answer()
        assert answer.status in (400, 404) and answer.detail, answer


# Keep-alive and pipelining.

def test_many_requests_on_one_connection(server):
    connection = server.connection()
    for number in range(20):
        assert server.execute(f"echo {number}", "bash", connection=connection).json["stdout"] == f"{number}\n"
    connection.close()


def test_pipelined_requests_are_answered_in_their_order(server):
    bodies = [bash(f"sleep 0.{9 - 4 * i}; echo {i}") for i in range(3)]
    with server.wire() as wire:
        wire.send(b"".join(post(server, body) for body in bodies) + GET.encode() + post(server, b"{") + GET.encode())
        for number in range(3):
            assert wire.answer().json["stdout"] == f"{number}\n"
        assert [wire.answer().status for _ in range(3)] == [200, 400, 200]


def test_a_deep_pipeline(server):
    with server.wire() as wire:
        wire.send(GET * 500)
        assert {wire.answer().status for _ in range(500)} == {200}


def test_byte_by_byte(server):
    with server.wire() as wire:
        for byte in post(server, bash("echo 1")):
            wire.send(bytes([byte]))
        assert wire.answer().json["stdout"] == "1\n"


def test_connection_close(server):
    with server.wire() as wire:
        answer = wire.send("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + GET).answer()
        assert (answer.status, answer.header("Connection")) == (200, "close")
        wire.ended()


def test_http_1_0(server):
    with server.wire() as wire:
        answer = wire.send("GET /health HTTP/1.0\r\n\r\n").answer()
        assert answer.status == 200 and answer.header("Transfer-Encoding") is None
        wire.ended()
    with server.wire() as wire:
        wire.send("GET /health HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
        answer = wire.answer()
        assert answer.status == 200
        if (answer.header("Connection") or "").lower() == "keep-alive":
            assert wire.send(GET).answer().status == 200


def test_empty_lines_before_a_request(server):
    with server.wire() as wire:
        assert wire.send("\r\n" + GET).answer().status == 200


def test_an_answer_has_a_date_and_a_length(server):
    answer = server.get("/health", key=None)
    assert answer.header("Content-Length") == str(len(answer.body))
    assert answer.header("Date").endswith(" GMT")


# Bodies.

@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_chunked_bodies(server, size):
    body = json.dumps(bash("cat", stdin="0123456789" * 30)).encode()
    with server.wire() as wire:
        wire.send(post(server, chunked(body, size), "Transfer-Encoding: chunked", length=False) + GET.encode())
        assert wire.answer().json["stdout"] == "0123456789" * 30
        assert wire.answer().status == 200


def test_chunks_with_extensions_and_trailers(server):
    body = json.dumps(bash("echo 1")).encode()
    sent = b"%X;a=b;c=\"d\"\r\n%s\r\n0;x\r\nTrailer-A: 1\r\nX-API-Key: wrong\r\n\r\n" % (len(body), body)
    with server.wire() as wire:
        wire.send(post(server, sent, "TRANSFER-ENCODING: Chunked", length=False) + GET.encode())
        assert wire.answer().json["stdout"] == "1\n"
        assert wire.answer().status == 200


@pytest.mark.parametrize("blank", [" ", "\t", " \t "])
def test_white_space_before_a_chunks_extension(server, blank):
    """A recipient must take it (RFC 9112, section 7.1.1; RFC 9110, section 5.6.3)."""
    body = json.dumps(bash("echo 1")).encode()
    sent = b"%X%s; a = b\r\n%s\r\n0%s;x\r\n\r\n" % (len(body), blank.encode(), body, blank.encode())
    with server.wire() as wire:
        wire.send(post(server, sent, "Transfer-Encoding: chunked", length=False) + GET.encode())
        assert wire.answer().json["stdout"] == "1\n"
        assert wire.answer().status == 200


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "x-gzip", "identity, gzip"])
def test_an_encoded_body_is_415(server, coding):
    body = gzip.compress(json.dumps(bash("echo 1")).encode())
    with server.wire() as wire:
        answer = wire.send(post(server, body, f"Content-Encoding: {coding}")).answer()
        assert answer.status == 415 and "Content-Encoding" in answer.detail, answer
        assert answer.header("Accept-Encoding") == "identity"
        wire.ended()


def test_a_body_that_is_encoded_as_identity(server):
    with server.wire() as wire:
        answer = wire.send(post(server, bash("echo 1"), "Content-Encoding: identity")).answer()
        assert answer.json["stdout"] == "1\n"


@pytest.mark.parametrize("around", [b"%s\0", b"\0%s", b"%s\n\0\0", b"%s \0 {}"])
def test_a_nul_beside_a_json_value(server, around):
    answer = server.post(around % json.dumps(bash("echo 1")).encode())
    assert answer.status == 400 and "NUL" in answer.detail, answer


def test_expect_100_continue(server):
    request = post(server, bash("echo 1"), "Expect: 100-continue")
    head, body = request.split(b"\r\n\r\n", 1)
    with server.wire() as wire:
        assert wire.send(head + b"\r\n\r\n").answer().status == 100
        assert wire.send(body).answer().json["stdout"] == "1\n"


def test_expect_100_continue_of_a_request_that_is_refused(server):
    for key, length, status in (("wrong", 10, 401), (server.any_key, 70_000_000, 413)):
        with server.wire() as wire:
            wire.send("POST /api/v1/execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                      f"X-API-Key: {key}\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n")
            assert wire.answer().status == status
            wire.ended()


def test_expect_100_continue_when_the_body_is_there_already(server):
    with server.wire() as wire:
        answer = wire.send(post(server, bash("echo 1"), "Expect: 100-continue")).answer()
        assert (wire.answer() if answer.status == 100 else answer).json["stdout"] == "1\n"


def test_head(server):
    for path in ("/health", "/metrics", "/api/v1/languages", "/nothing"):
        with server.wire() as wire:
            answer = wire.send(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n").answer(head=True)
            assert answer.status == (404 if path == "/nothing" else 200)
            if path == "/api/v1/languages":  # it flows
                assert answer.header("Transfer-Encoding") == "chunked" and not answer.header("Content-Length")
            else:
                assert int(answer.header("Content-Length")) > 0
            if path != "/nothing":
                assert wire.send(GET).answer().json["status"]


def test_an_answer_that_flows(server):
    """The list of languages: chunks for HTTP/1.1, the same bytes up to the connection's end for HTTP/1.0."""
    with server.wire() as wire:
        answer = wire.send("GET /api/v1/languages HTTP/1.1\r\nHost: x\r\n\r\n").answer()
        assert answer.header("Transfer-Encoding") == "chunked"
        assert json.dumps(answer.json, separators=(",", ":"), ensure_ascii=False).encode() == answer.body
        assert wire.send(GET).answer().status == 200
    with server.wire() as wire:
        head, _, body = wire.send("GET /api/v1/languages HTTP/1.0\r\n\r\n").rest().partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head and b"Connection: close" in head
    assert body == answer.body


def test_a_get_with_a_body(server):
    with server.wire() as wire:
        wire.send("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + GET)
        assert [wire.answer().status for _ in range(2)] == [200, 200]


def test_a_great_body_and_a_great_answer(server):
    text = "x" * 15_000_000
    result = server.run("cat", "bash", stdin=text, limits={"output_kb": 16384})
    assert result["stdout"] == text


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("size,status", [(6_000_000, 401), (6_000_000, 415), (70_000_000, 413)])
def test_a_refused_upload_is_answered(server, size, status, framing):
    """The client sends everything before it reads. With a wrong key it even sends on after the answer has come."""
    headers = {"X-API-Key": "wrong" if status == 401 else server.any_key, "Content-Type": "application/json"}
    if status == 415:
        headers["Content-Encoding"] = "gzip"
    if framing == "length":
        headers["Content-Length"] = str(size)
    pieces = [b" " * (size // 8)] * 8

    def send(connection):
        for piece in pieces:
            yield piece
            if status == 401:
                assert select.select([connection.sock], [], [], PATIENCE)[0], "no answer"
    for _ in range(5):
        connection = server.connection()
        connection.request("POST", "/api/v1/execute", send(connection), headers, encode_chunked=framing == "chunked")
        answer = connection.getresponse()
        assert answer.status == status and json.loads(answer.read())["detail"]
        connection.close()


# Timeouts and caps, with small settings.

QUICK = {"CODECELL_HEADER_TIMEOUT": 1, "CODECELL_BODY_TIMEOUT": 1, "CODECELL_IDLE_TIMEOUT": 1,
         "CODECELL_WRITE_TIMEOUT": 1, "CODECELL_MAX_CONNECTIONS": 8, "CODECELL_POOL": "*=0"}


@pytest.fixture(scope="module")
def quick():
    with Server(QUICK, languages=["bash"]) as one:
        yield one.start()


@pytest.mark.parametrize("part", ["G", "GET /health HTTP/1.1\r\nHo", "GET /health HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_never_ends(quick, part):
    with quick.wire() as wire:
        answer = wire.send(part).answer()
        assert answer.status == 408 and answer.detail and answer.header("Connection") == "close", answer
        wire.ended()


def test_a_head_that_trickles(quick):
    with quick.wire() as wire:
        wire.socket.settimeout(0.2)
        wire.send("GET /health HTTP/1.1\r\nHost: x\r\nA: ")

        def trickle():
            try:
                return wire.send("a")._more() or True
            except TimeoutError:
                return False
        wait_for("an answer to a head that trickles", trickle)
        wire.socket.settimeout(60)
        assert wire.answer().status == 408


def test_a_body_that_never_comes(quick):
    with quick.wire() as wire:
        answer = wire.send(post(quick, bash("echo 1"))[:-5]).answer()
        assert answer.status == 408 and answer.detail and answer.header("Connection") == "close", answer
        wire.ended()


def test_an_idle_connection_is_closed_without_a_word(quick):
    with quick.wire() as wire:
        assert wire.send(GET).answer().status == 200
        wire.ended()


def test_a_connection_that_says_nothing_is_closed(quick):
    with quick.wire() as wire:
        said = wire.rest()
        assert said == b"" or said.startswith(b"HTTP/1.1 408 "), said


def test_a_running_program_is_not_idle(quick):
    assert quick.output("sleep 2.5; echo 1", "bash") == "1\n"


def test_a_client_that_does_not_read_its_answer(quick):
    key = quick.key()
    with quick.wire(receive_buffer=4096) as wire:
        wire.send(post(quick, bash("head -c 15000000 /dev/zero | tr '\\0' x", limits={"output_kb": 16384}), key=key))
        quick.wait_status("completed", key=key)
        wait_for("the connection's end", lambda: quick.connections() == 0)
        assert len(wire.rest()) < 15_000_000


def test_a_client_that_reads_its_answer_slowly(quick):
    """About 600 KB/s through small buffers: in a second far less than a third of the server's own buffer."""
    with quick.wire(receive_buffer=65536) as wire:
        wire.send(post(quick, bash("head -c 6000000 /dev/zero | tr '\\0' x", limits={"output_kb": 16384})))
        while len(wire.data) < 3_000_000 and wire._more():
            time.sleep(0.1)  # the pace is what is tested
        assert wire.answer().json["stdout"] == "x" * 6_000_000


def test_one_connection_too_many(quick):
    """Each of the others has a program at work, so none gives way."""
    def records():
        return quick.database("select count(*) from executions")[0][0]
    wait_for("no connection", lambda: quick.connections() == 0)
    before = records()
    wires = [quick.wire().send(post(quick, bash("sleep 10"))) for _ in range(8)]
    wait_for("a program on each connection", lambda: records() == before + 8)
    wires += [quick.wire().send(GET) for _ in range(4)]
    answers = [wire.answer() for wire in wires]
    for wire in wires:
        wire.socket.close()
    assert [answer.status for answer in answers] == [200] * 8 + [503] * 4
    for answer in answers[8:]:
        assert answer.header("Retry-After") and answer.detail, answer
    wait_for("room again", lambda: quick.get("/health", key=None).status == 200)


# Clients that leave.

def test_a_half_close_is_answered(server):
    with server.wire() as wire:
        wire.send(post(server, bash("sleep 0.5; echo 1")))
        wire.half_close()
        assert wire.answer().json["stdout"] == "1\n"
        wire.ended()


@pytest.mark.parametrize("way", ["close", "reset"])
def test_a_client_that_leaves_ends_its_execution(server, key, way):
    wire = server.wire()
    wire.send(post(server, bash("sleep 123"), key=key))
    server.wait_status("running", key=key)
    if way == "reset":
        wire.reset()
    else:
        wire.socket.close()
    server.wait_status("cancelled", key=key)
    wait_for("the program's end", lambda: not any(b"sleep\x00123" in line for line in command_lines()))


def test_a_client_that_leaves_while_it_waits_for_its_turn(launch):
    server = launch({"CODECELL_CONCURRENCY": 1, "CODECELL_POOL": "*=0"}, languages=["bash"])
    first = server.begin("sleep 100", "bash")
    server.wait_status("running")
    second = server.begin("echo never", "bash")
    server.wait_status("pending")
    second.leave()
    server.wait_status("cancelled")
    first.leave()
    server.wait_status("cancelled", 2)
    assert server.output("echo 1", "bash") == "1\n"


def test_a_client_that_leaves_in_the_middle_of_its_body(server):
    for _ in range(20):
        server.wire().send(post(server, bash("echo 1"))[:-3]).reset()
    wait_for("the connections' end", lambda: server.connections() == 0)
    assert server.output("echo 1", "bash") == "1\n"


def command_lines():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                found.append(file.read())
        except OSError:
            pass
    return found


# Where it listens.

def test_a_unix_socket(launch, tmp_path):
    path = tmp_path / "s"
    server = launch({"CODECELL_LISTEN": f"unix:{path}", "CODECELL_POOL": "*=0"}, languages=["bash"])
    assert server.address == f"unix:{path}"
    assert server.output("echo 1", "bash") == "1\n"
    server.stop()
    assert not path.exists()


def test_a_unix_socket_left_by_a_killed_server(launch, tmp_path):
    server = launch({"CODECELL_LISTEN": f"unix:{tmp_path / 's'}"}, languages=[], ready=False)
    assert server.get("/metrics", key=None).status == 403  # most often it is a proxy that connects here
    server.kill()
    server.start()
    assert server.get("/health", key=None).status == 200


def test_an_address_that_is_taken_is_a_sentence(server, launch):
    other = launch({"CODECELL_LISTEN": "127.0.0.1:0"}, languages=[], ready=False)
    other.stop()
    done = other.cli("serve", CODECELL_LISTEN=server.address)
    assert done.returncode not in (0, -6, -11)
    assert server.address in done.stderr
