"""What POST /api/v1/execute refuses: 400, with a sentence that names the field and its limit; nothing runs."""
import base64
import json

import pytest

BASE = {"code": "print(1)", "language": "python"}
NOT_STRINGS = [1, 1.5, True, [], {}]
MIB = 1024 * 1024


def body_with(**fields):
    return {**BASE, **fields}


def file_of(path, content="x", **more):
    return [{"path": path, "content": content, **more}]


# (what is wrong, the body, what the sentence must contain)
BAD = [
    ("no code", {"language": "python"}, ["code"]),
    ("no language", {"code": "print(1)"}, ["language"]),
    ("code null", body_with(code=None), ["code"]),
    ("language null", body_with(language=None), ["language"]),
    ("code empty", body_with(code=""), ["code"]),
    ("code of a mark alone", body_with(code="\ufeff"), ["code: must be a string that is not empty"]),
    ("code too long", body_with(code="#" * (MIB + 1)), ["code", "1"]),
    ("5 MB of code", body_with(code="#" * 5_000_000), ["code"]),
    ("stdin too long", body_with(stdin="x" * (16 * MIB + 1)), ["stdin", "16"]),
    ("nothing", {}, ["code"]),
    ("timeout 0", body_with(timeout=0), ["timeout: must be an integer from 1 to 300"]),
    ("timeout 301", body_with(timeout=301), ["timeout: must be an integer from 1 to 300"]),
    ("timeout -1", body_with(timeout=-1), ["timeout: must be an integer from 1 to 300"]),
    ("timeout 1.5", body_with(timeout=1.5), ["timeout: must be an integer from 1 to 300"]),
    ("timeout text", body_with(timeout="30"), ["timeout: must be an integer from 1 to 300"]),
    ("timeout bool", body_with(timeout=True), ["timeout: must be an integer from 1 to 300"]),
    ("timeout 2**31", body_with(timeout=2**31 + 30), ["timeout: must be an integer from 1 to 300"]),
    ("timeout 2**32", body_with(timeout=2**32 + 30), ["timeout: must be an integer from 1 to 300"]),
    ("timeout list", body_with(timeout=[30]), ["timeout: must be an integer from 1 to 300"]),
    ("environment list", body_with(environment=[]), ["environment"]),
    ("environment text", body_with(environment="A=1"), ["environment"]),
    ("environment number", body_with(environment={"A": 1}), ["environment", "A"]),
    ("environment null value", body_with(environment={"A": None}), ["environment", "A"]),
    ("environment =", body_with(environment={"A=B": "1"}), ["environment"]),
    ("environment empty name", body_with(environment={"": "1"}), ["environment"]),
    ("environment digit", body_with(environment={"1A": "1"}), ["environment"]),
    ("environment dash", body_with(environment={"A-B": "1"}), ["environment"]),
    ("environment space", body_with(environment={"A ": "1"}), ["environment"]),
    ("environment umlaut", body_with(environment={"Ä": "1"}), ["environment"]),
    ("environment newline", body_with(environment={"A\n": "1"}), ["environment"]),
    ("environment NUL value", body_with(environment={"A": "a\0b"}), ["environment"]),
    ("environment NUL name", body_with(environment={"A\0B": "1"}), ["NUL"]),
    ("environment 129 names", body_with(environment={f"N{i}": "" for i in range(129)}), ["environment", "128"]),
    ("environment 64 KiB", body_with(environment={"A": "x" * 65536}), ["environment", "65536"]),
    ("session empty", body_with(session_id=""), ["session_id"]),
    ("session 129", body_with(session_id="a" * 129), ["session_id", "128"]),
    ("session dot first", body_with(session_id=".a"), ["session_id"]),
    ("session dash first", body_with(session_id="-a"), ["session_id"]),
    ("session slash", body_with(session_id="a/b"), ["session_id"]),
    ("session space", body_with(session_id="a b"), ["session_id"]),
    ("session umlaut", body_with(session_id="ä"), ["session_id"]),
    ("session newline", body_with(session_id="a\n"), ["session_id"]),
    ("session NUL", body_with(session_id="a\0"), ["session_id"]),
    ("args text", body_with(args="a"), ["args"]),
    ("args object", body_with(args={}), ["args"]),
    ("args number", body_with(args=["a", 1]), ["args"]),
    ("args null inside", body_with(args=[None]), ["args"]),
    ("args NUL", body_with(args=["a\0b"]), ["args"]),
    ("files object", body_with(files={}), ["files"]),
    ("files text inside", body_with(files=["a"]), ["files"]),
    ("files null inside", body_with(files=[None]), ["files"]),
    ("files no path", body_with(files=[{"content": "x"}]), ["files", "path"]),
    ("files no content", body_with(files=[{"path": "a"}]), ["files", "content"]),
    ("files empty path", body_with(files=file_of("")), ["files", "path"]),
    ("files absolute", body_with(files=file_of("/etc/passwd")), ["files", "path"]),
    ("files climbs", body_with(files=file_of("../a")), ["files", "path"]),
    ("files climbs inside", body_with(files=file_of("a/../../b")), ["files", "path"]),
    ("files climbs in vain", body_with(files=file_of("a/../b")), ["files", "path"]),
    ("files dots at the end", body_with(files=file_of("a/..")), ["files", "path"]),
    ("files is a folder", body_with(files=file_of("a/")), ["files", "path"]),
    ("files is .", body_with(files=file_of(".")), ["files", "path"]),
    ("files is ..", body_with(files=file_of("..")), ["files", "path"]),
    ("files NUL", body_with(files=file_of("a\0b")), ["files", "path"]),
    ("files long name", body_with(files=file_of("a" * 256)), ["files", "path"]),
    ("files long path", body_with(files=file_of("a/" * 2100 + "b")), ["files", "path"]),
    ("files twice", body_with(files=file_of("a") + file_of("a")), ["files", "a"]),
    ("files twice in other words", body_with(files=file_of("a") + file_of("./a")), ["files"]),
    ("files twice by slashes", body_with(files=file_of("d/a") + file_of("d//a")), ["files"]),
    ("files collides with a folder", body_with(files=file_of("a") + file_of("a/b")), ["files"]),
    ("files collides with a file", body_with(files=file_of("a/b") + file_of("a")), ["files"]),
    ("files is the program", body_with(files=file_of("main.py")), ["files", "main.py"]),
    ("files below the program", body_with(files=file_of("main.py/x")), ["files"]),
    ("files 129", body_with(files=[{"path": f"f{i}", "content": ""} for i in range(129)]), ["files", "128"]),
    ("files 10 MiB", body_with(files=file_of("a", "x" * (10 * MIB + 1))), ["files", "10"]),
    ("files 10 MiB in all", body_with(files=[{"path": f"f{i}", "content": "x" * MIB} for i in range(11)]),
     ["files", "10"]),
    ("files base64 text", body_with(files=file_of("a", "***", encoding="base64")), ["files", "base64"]),
    ("files base64 no padding", body_with(files=file_of("a", "YQ", encoding="base64")), ["files", "base64"]),
    ("files base64 space", body_with(files=file_of("a", "YW Jj", encoding="base64")), ["files", "base64"]),
    ("files base64 url", body_with(files=file_of("a", "_-_-", encoding="base64")), ["files", "base64"]),
    ("files encoding", body_with(files=file_of("a", encoding="latin1")), ["files", "encoding"]),
    ("files encoding type", body_with(files=file_of("a", encoding=1)), ["files", "encoding"]),
    ("limits list", body_with(limits=[]), ["limits"]),
    ("limits.cpu low", body_with(limits={"cpu": 0.09}), ["limits.cpu", "0.1", "2"]),
    ("limits.cpu high", body_with(limits={"cpu": 2.01}), ["limits.cpu", "0.1", "2"]),
    ("limits.cpu text", body_with(limits={"cpu": "1"}), ["limits.cpu"]),
    ("limits.cpu bool", body_with(limits={"cpu": True}), ["limits.cpu"]),
    ("limits.memory low", body_with(limits={"memory_mb": 31}), ["limits.memory_mb", "32", "2048"]),
    ("limits.memory high", body_with(limits={"memory_mb": 2049}), ["limits.memory_mb", "32", "2048"]),
    ("limits.memory half", body_with(limits={"memory_mb": 64.5}), ["limits.memory_mb"]),
    ("limits.memory 2**32", body_with(limits={"memory_mb": 2**32 + 64}), ["limits.memory_mb"]),
    ("limits.disk low", body_with(limits={"disk_mb": 0}), ["limits.disk_mb", "1", "1024"]),
    ("limits.disk high", body_with(limits={"disk_mb": 1025}), ["limits.disk_mb", "1", "1024"]),
    ("limits.processes low", body_with(limits={"processes": 7}), ["limits.processes", "8", "256"]),
    ("limits.processes high", body_with(limits={"processes": 257}), ["limits.processes", "8", "256"]),
    ("limits.output low", body_with(limits={"output_kb": 0}), ["limits.output_kb", "1", "16384"]),
    ("limits.output high", body_with(limits={"output_kb": 16385}), ["limits.output_kb", "1", "16384"]),
    ("stream", body_with(stream=1), ["stream: must be true or false"]),
    ("evaluate", body_with(evaluate=1), ["evaluate: must be true or false"]),
    ("outputs", body_with(outputs="a"), ["outputs: must be an array"]),
    ("outputs item", body_with(outputs=["a", 1]), ["outputs[1]: must be a string without NUL"]),
    ("outputs above", body_with(outputs=["../a"]), ["outputs: must be relative paths or globs"]),
    ("outputs many", body_with(outputs=["a"] * 33), ["outputs", "32"]),
]
for value in (3, 3.11, "", " ", "3.", ">=", "3 ||4", "one two", "3.11-rc1", "clang-", "\0", "9" * 65, ["3"], True):
    BAD.append((f"version {value!r}", body_with(version=value),
                ["version: must be a version or a range, such as 3, 3.11 or >=20"]))
for field in ("code", "language", "stdin", "session_id"):
    BAD += [(f"{field} {value!r}", body_with(**{field: value}), [field]) for value in NOT_STRINGS]
for field in ("path", "content"):
    BAD += [(f"files {field} {value!r}", body_with(files=[{**file_of("a")[0], field: value}]), ["files", field])
            for value in [None, *NOT_STRINGS]]


@pytest.mark.parametrize("body,holds", [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_refused(server, body, holds):
    answer = server.post(body)
    assert answer.status == 400, answer
    if holds[0].startswith(("timeout:", "stream:", "evaluate:", "version:")):
        assert answer.detail == holds[0]
    assert all(part in answer.detail for part in holds), answer.detail


MALFORMED = [
    b"", b" ", b"{", b"}", b'{"code": "x", "language": "python"', b"{'code': 'x'}", b'{"code": "x",}', b"nul",
    b'{"code": "x" "language": "python"}', b'{"code": "x", "language": "python"} x', b"// no\n{}", b'{"a": 01}',
    b'{"a": .5}', b'{"a": NaN}', b'{"a": +1}', b'{"a": 1e}', b'{"a": "\n"}', b'{"a": "\\x"}', b'{"a": "\\u12"}',
    b'{"a": "\xff"}', b'{"a": "\xc0\x80"}', b'{"a": "\xed\xa0\x80"}', b"\xff\xfe{\0}\0", b"\0",
    b'{"code": "\\ud800", "language": "python"}', b'{"code": "\\udc00\\ud800", "language": "python"}',
    b'{"code": "print(1)", "language": "python"}\0', b"\xef\xbb\xbf{",
    b'{"code": "1", "language": "python", "timeout": 1e999}',
    b'{"code": "1", "language": "python", "timeout": 99999999999999999999999}',
]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_json(server, body):
    answer = server.post(body)
    assert answer.status == 400 and answer.detail, answer


@pytest.mark.parametrize("body", [b"[]", b"null", b'"code"', b"1", b"true", b'[{"code": "x", "language": "python"}]'])
def test_json_that_is_not_an_object(server, body):
    answer = server.post(body)
    assert answer.status == 400 and "object" in answer.detail, answer


@pytest.mark.parametrize("body", [
    b'{"code": "print(1)", "language": "python", "code": "print(2)"}',
    b'{"code": "print(1)", "language": "python", "c\\u006fde": "print(2)"}',
    b'{"code": "print(1)", "language": "python", "environment": {"A": "1", "A": "1"}}',
    b'{"code": "print(1)", "language": "python", "unknown": {"x": [{"y": 1, "y": 2}]}}',
])
def test_a_name_given_twice(server, body):
    answer = server.post(body)
    assert answer.status == 400 and "twice" in answer.detail, answer


def test_nesting_is_capped(server):
    def nested(depth):
        return b'{"code": "print(1)", "language": "python", "x": ' + b"[" * depth + b"]" * depth + b"}"
    assert server.post(nested(32)).status == 200
    for depth in (100, 100_000):
        answer = server.post(nested(depth))
        assert answer.status == 400 and "64" in answer.detail, answer
    objects = b'{"code": "print(1)", "language": "python", "x": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}"
    assert server.post(objects).status == 400


def test_unknown_language(server):
    ids = server.get("/api/v1/execute/languages", key=None).json
    answer = server.post(body_with(language="invalid"))
    assert answer.status == 400
    assert answer.detail == "Unsupported language: invalid. Supported languages: " + ", ".join(ids)


@pytest.mark.parametrize("language", ["", "x" * 100_000, "py thon", "../python", "python\0", "\n", "%s%n", "pythön"])
def test_strange_languages(server, language):
    answer = server.post(body_with(language=language))
    assert answer.status == 400 and len(answer.json["detail"]) < 1000, answer


@pytest.mark.parametrize("fields", [
    {"timeout": 1}, {"timeout": 300}, {"environment": {f"N{i}": "" for i in range(128)}},
    {"environment": {"A": "x" * 65000}}, {"session_id": "a" * 128}, {"args": []}, {"files": []}, {"limits": {}},
    {"files": file_of("a" * 255)}, {"files": file_of("a..b/..c")}, {"files": file_of("ü ñ/ x")},
    {"files": file_of("a", "x" * (10 * MIB))}, {"files": file_of("a", base64.b64encode(b"x" * 10 * MIB).decode(),
                                                                    encoding="base64")},
    {"files": file_of("a/b") + file_of("a/c")}, {"files": file_of("-rf")}, {"files": file_of("$(x)")},
], ids=range(16))
def test_accepted_at_the_edge(server, fields):
    answer = server.post(body_with(code="pass", **fields))
    if fields == {"timeout": 1} and answer.json["status"] == "timed_out":
        return  # it was accepted, and the machine is busy
    assert answer.status == 200 and answer.json["exit_code"] == 0, answer


def test_files_that_do_not_fit_the_disk(server):
    answer = server.post(body_with(files=file_of("a", "x" * (2 * MIB)), limits={"disk_mb": 1}))
    assert answer.status in (400, 500), answer
    assert "disk" in answer.detail or "files" in answer.detail


MARK = "\ufeff"
TOLD_MARK = "{} began with a byte order mark, which was taken off"
TOLD_LINES = "{} had lines that end with CRLF; they end with LF now"


@pytest.mark.parametrize("language,code,stdout,told", [
    ("python", MARK + "print(len('''a\r\nb'''))\r\n", "3\n", [TOLD_MARK]),
    ("python", "import os\r\nprint(open('main.py', 'rb').read(11))\r\n", r"b'import os\r\n'" + "\n", []),
    ("javascript", MARK + "console.log(require('fs').readFileSync('main.js')[0])", "99\n", [TOLD_MARK]),
    ("c", MARK + '#include <stdio.h>\r\n#define ONE \\\r\n 1\r\nint main(void) { printf("%d\\n", ONE); }\r\n', "1\n",
     [TOLD_MARK]),
    ("bash", MARK + "#!/bin/bash\r\ncat <<END\r\nx\r\nEND\r\n", "x\n", [TOLD_MARK, TOLD_LINES]),
    ("bash", "if true; then\r\n  printf '%s' 'a\rb' | wc -c\r\nfi", "3\n", [TOLD_LINES]),
], ids=range(6))
def test_text_is_text(server, language, code, stdout, told):
    result = server.run(code, language)
    assert (result["stdout"], result["stderr"]) == (stdout, "")
    assert result["warnings"] == [each.format("code: it") for each in told]


def test_files_are_text_where_they_say_so(server):
    base64_of = base64.b64encode(b"\xef\xbb\xbf#!/bin/sh\r\n").decode()
    files = [{"path": "lib/a.sh", "content": MARK + "f() {\r\n  echo f\r\n}\r\n"},
             {"path": "data.csv", "content": "1,2\r\n"}, {"path": "tool", "content": "#!/bin/sh\r\necho tool\r\n"},
             {"path": "as-it-is", "content": base64_of, "encoding": "base64"}]
    result = server.run(". lib/a.sh; f; sh tool; wc -c < data.csv; wc -c < as-it-is", "bash", files=files)
    assert (result["stdout"], result["stderr"]) == ("f\ntool\n5\n14\n", "")
    assert result["warnings"] == [TOLD_MARK.format("files[0].path: lib/a.sh"),
                                  TOLD_LINES.format("files[0].path: lib/a.sh"), TOLD_LINES.format("files[2].path: tool")]
    result = server.run("print(open('tool', 'rb').read(), open('a.py', 'rb').read())", files=[
        files[2], {"path": "a.py", "content": MARK + "x\r\n"}])
    assert result["stdout"] == r"b'#!/bin/sh\necho tool\n' b'x\r\n'" + "\n"


def test_nothing_of_a_refused_request_is_kept(server, key):
    assert server.post(body_with(timeout=0, session_id="never"), key=key).status == 400
    assert server.executions(key=key) == []
    assert server.get("/api/v1/sessions/never", key=key).status == 404


def test_a_refused_request_leaves_the_connection_usable(server):
    connection = server.connection()
    for body in (b"{", json.dumps(body_with(timeout=0)).encode(), json.dumps(BASE).encode()):
        answer = server.post(body, connection=connection)
    assert answer.status == 200
    connection.close()
