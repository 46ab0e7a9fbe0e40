"""`evaluate`: the value of the last expression, and the exception that ended the program, in real interpreters."""
import pytest

SAME = ["stdout", "stderr", "exit_code", "status", "signal", "compile", "language", "version"]


def evaluated(server, code, language="python", **fields):
    """The answer, whose other fields must be those of the same request without `evaluate`."""
    answer, plain = (server.run(code, language, evaluate=evaluate, **fields) for evaluate in (True, False))
    assert {name: answer[name] for name in SAME} == {name: plain[name] for name in SAME}
    assert "result" not in plain and "error" not in plain
    names = list(answer)
    assert names[names.index("queue_time") + 1:] == ["result", "error", "warnings"]
    return answer


def value(server, code, language="python", **fields):
    answer = evaluated(server, code, language, **fields)
    assert (answer["error"], answer["warnings"]) == (None, [])
    return answer["result"]


def error(server, code, language="python", **fields):
    answer = evaluated(server, code, language, **fields)
    assert (answer["result"], answer["warnings"]) == (None, [])
    assert list(answer["error"]) == ["name", "message", "traceback"]
    return answer["error"]


# Python.

@pytest.mark.parametrize("code,result", [
    ("print('hi')", None),
    ("import math\nprint(f\"Pi is approximately {math.pi:.10f}\")\nmath.factorial(20)", "2432902008176640000"),
    ("x = 1; 'grüße \\ud800'", "'grüße \\ud800'"),
    ("'a docstring'\n__doc__", "'a docstring'"),
    ("'a docstring'", "'a docstring'"),
    ("None", None),
    ("x = 5", None),
    ("if True:\n    5", None),
    ("x: int = 5", None),
    ("# nothing", None),
    ("from __future__ import annotations\ndef f(x: unknown): ...\nf.__annotations__", "{'x': 'unknown'}"),
    ("import sys\nsys.displayhook(3)\n4", "4"),
    ("import traceback, inspect, sys\ntraceback.print_stack()\n(len(inspect.stack()), sys._getframe().f_back)",
     "(1, None)"),
    ("import sys\n(sys.argv, sys.orig_argv[-2:], sys.path[0], __file__, __name__, __spec__, sorted(globals()))",
     "(['main.py'], ['/usr/bin/python3', 'main.py'], '/tmp/work', '/tmp/work/main.py', '__main__', None, "
     "['__annotations__', '__builtins__', '__cached__', '__doc__', '__file__', '__loader__', '__name__', "
     "'__package__', '__spec__', 'sys'])"),
    ("import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()\n42", "42"),
    ("import os, sys\nif os.fork() == 0:\n    sys.exit(3)\nos.wait()[1] >> 8", "3"),
    ("import sys\nsys.exit()", None),
    ("raise SystemExit(0)", None),
    ("import sys\nsys.settrace(lambda *event: print(event[1]))\nsys.setprofile(lambda *event: print(event[1]))\n7", "7"),
])
def test_python(server, code, result):
    assert value(server, code) == result


def test_python_traceback(server):
    assert error(server, "x") == {
        "name": "NameError", "message": "name 'x' is not defined",
        "traceback": 'Traceback (most recent call last):\n  File "/tmp/work/main.py", line 1, in <module>\n    x\n'
                     "NameError: name 'x' is not defined\n"}


@pytest.mark.parametrize("code,name,message", [
    ("def f(n):\n    return 1 / n\n\nf(0)", "ZeroDivisionError", "division by zero"),
    ("class Own(Exception): ...\nraise Own('mine') from KeyError('cause')", "Own", "mine"),
    ("x = = 1", "SyntaxError", "invalid syntax (main.py, line 1)"),
    ("  x", "IndentationError", "unexpected indent (main.py, line 1)"),
    ("return 5", "SyntaxError", "'return' outside function (main.py, line 1)"),
    ("import sys\nsys.exit(3)", "SystemExit", "3"),
    ("import sys\nsys.exit('no more')", "SystemExit", "no more"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
    ("import sys\nsys.excepthook = lambda *error: print('hook')\n1 / 0", "ZeroDivisionError", "division by zero"),
    ("class Bad(Exception):\n    def __str__(self): raise ValueError\nraise Bad", "Bad", "<exception str() failed>"),
])
def test_python_error(server, code, name, message):
    told = error(server, code)
    assert (told["name"], told["message"]) == (name, message)
    assert "codecell" not in told["traceback"]


def test_python_error_is_what_stderr_has(server):
    answer = evaluated(server, "def f():\n    g()\n\ndef g():\n    [][1]\n\nf()")
    assert answer["error"]["traceback"] == answer["stderr"]


def test_python_repr_that_raises(server):
    """The program itself ends as it does without evaluate."""
    answer = evaluated(server, "class Shy:\n    def __repr__(self): raise ValueError('not me')\n\nShy()")
    assert (answer["result"], answer["exit_code"]) == (None, 0)
    assert (answer["error"]["name"], answer["error"]["message"]) == ("ValueError", "not me")


# JavaScript.

@pytest.mark.parametrize("code,result", [
    ("console.log('hi')", None),
    ("const fib = n => n <= 1 ? n : fib(n-1) + fib(n-2); console.log(fib(10)); 55", "55"),
    ("({ a: 1, b: [1, 2, { c: 3 }] })", "{ a: 1, b: [ 1, 2, { c: 3 } ] }"),
    ("'grüße'", "'grüße'"),
    ("'use strict'; (function () { return this })()", None),
    ("undefined", None),
    ("null", "null"),
    ("let x = 5", None),
    ("if (true) { 5 }", None),
    ("let x\nx = 1 || 2", "1"),
    ("1, 2", "2"),
    ("let x = 0\n\nx ? 'yes' : 'no'", "'no'"),
    ("const f = () => 1;\n\n[1, 2].map(f) // a comment", "[ 1, 1 ]"),
    ("#!/usr/bin/env node\n5", "5"),
    ("return 5", None),
    ("Promise.resolve(3)", "Promise { 3 }"),
    ("const __result__ = 4\n__result__ + 1", "5"),
    ("console.log(new Error('here').stack); 3", "3"),
    ("console.log(process.argv, process.execArgv, require.main === module, __filename, typeof exports); 1", "1"),
    ("setTimeout(() => console.log('late'), 50); 9", "9"),
    ("process.exit(0)", None),
    ("7; process.exit(3)", None),
    ("process.on('exit', () => console.log('bye')); 8", "8"),
    ("process.on('uncaughtException', e => console.log(e.message))\nthrow new Error('handled')", None),
])
def test_javascript(server, code, result):
    assert value(server, code, "javascript") == result


@pytest.mark.parametrize("code,result", [
    ("import fs from 'fs'\nfs.existsSync('/')", "true"),
    ("const y = await Promise.resolve(7)\ny * 2", "14"),
    ("export const z = 1\nz", "1"),
])
def test_javascript_modules(server, code, result):
    assert value(server, code, "javascript") == result


@pytest.mark.parametrize("code,name,message", [
    ("x", "ReferenceError", "x is not defined"),
    ("function f() { throw new RangeError('deep') }\n\nf()", "RangeError", "deep"),
    ("x = = 1", "SyntaxError", "Unexpected token '='"),
    ("f(", "SyntaxError", "Unexpected end of input"),
    ("Promise.reject(new TypeError('unhandled'))\nlet x", "TypeError", "unhandled"),
    ("setTimeout(() => { throw new Error('late') }, 20)\nlet x", "Error", "late"),
    ("throw Object.assign(new Error('with'), { code: 'E1' })", "Error", "with"),
    ("throw 'a text'", "string", "'a text'"),
    ("throw null", "null", "null"),
])
def test_javascript_error(server, code, name, message):
    told = error(server, code, "javascript")
    assert (told["name"], told["message"]) == (name, message)
    assert "evaluate" not in told["traceback"] and "__result__" not in told["traceback"]


def test_javascript_error_is_what_stderr_has(server):
    answer = evaluated(server, "function f() {\n  null.x\n}\n\nf()", "javascript")
    assert answer["error"]["traceback"] in answer["stderr"]
    assert answer["error"]["traceback"].startswith("TypeError: Cannot read properties of null (reading 'x')\n    at f (")


def test_a_result_beside_an_error(server):
    answer = evaluated(server, "Promise.reject(new TypeError('late'))\n5", "javascript")
    assert (answer["result"], answer["error"]["name"]) == ("5", "TypeError")


# Other versions.

@pytest.mark.parametrize("code,result", [
    ("import math\nmath.factorial(20)", "2432902008176640000"),
    ("import inspect, sys\n(len(inspect.stack()), sys._getframe().f_back, sys.argv)", "(1, None, ['main.py'])"),
    ("import sys\nsys.setprofile(lambda *event: print(event[1]))\n7", "7"),
])
def test_python_311(server, code, result):
    assert value(server, code, version="3.11") == result


def test_errors_of_other_versions(server):
    assert error(server, "1 / 0", version="3.11")["message"] == "division by zero"
    assert error(server, "null.x", "javascript", version="20")["name"] == "TypeError"


def test_node_20(server):
    assert value(server, "console.log(3); ({ a: [1] })", "javascript", version="20") == "{ a: [ 1 ] }"
    assert value(server, "let x = 5;\n\nx > 4 ? 'yes' : 'no';", "javascript", version="20") == "'yes'"


def test_node_20_cannot_tell_a_modules_value(server):
    assert value(server, "import fs from 'fs'\nfs.existsSync('/')", "javascript", version="20") is None


# Requests.

def test_with_all_other_fields(server):
    assert value(server, "import sys, os, helper\n(sys.argv, sys.stdin.read(), os.environ['A'], helper.x)",
                 args=["one", "two words"], stdin="in", environment={"A": "é"}, limits={"memory_mb": 300},
                 files=[{"path": "helper.py", "content": "x = 4"}]) == "(['main.py', 'one', 'two words'], 'in', 'é', 4)"
    assert value(server, "[...process.argv.slice(2), require('fs').readFileSync(0, 'utf8'), require('./helper')]",
                 "javascript", args=["one"], stdin="in", files=[{"path": "helper.js", "content": "module.exports = 4"}]
                 ) == "[ 'one', 'in', 4 ]"


@pytest.mark.parametrize("language,name", [("bash", "Bash"), ("c", "C")])
def test_another_language(server, language, name):
    answer = server.execute("x", language, evaluate=True)
    assert (answer.status, answer.detail) == (
        400, f"evaluate: {name} does not support it; python and javascript do")


@pytest.mark.parametrize("wrong", [1, "true", [], {}])
def test_another_type(server, wrong):
    answer = server.execute("x", evaluate=wrong)
    assert (answer.status, answer.detail) == (400, "evaluate: must be true or false")


def test_a_file_in_its_place(server):
    answer = server.execute("x", evaluate=True, files=[{"path": ".codecell-evaluate", "content": ""}])
    assert (answer.status, answer.detail) == (
        400, "files[0].path: collides with a file of evaluate, .codecell-evaluate")
    assert server.run("pass", files=[{"path": ".codecell-evaluate", "content": ""}])["exit_code"] == 0


def test_results_are_bounded(server):
    answer = server.run("'é' * 1_000_000", evaluate=True)
    assert len(answer["result"].encode()) == (1 << 20) - 1 and answer["result"].strip("é") == "'"
    assert answer["warnings"] == ["evaluate: result is cut at 1048576 bytes"]
    answer = server.run("raise ValueError('x' * 200_000)", evaluate=True)
    assert answer["error"]["message"] == "x" * 65536 and len(answer["error"]["traceback"]) == 65536
    assert answer["warnings"] == ["evaluate: error is cut at 256 bytes for the name and 65536 for each other text"]


def test_no_report(server):
    warning = "evaluate: the program ended before its result was reported"
    for code, language in (("import os\nos._exit(3)", "python"), ("process.kill(process.pid, 'SIGKILL')", "javascript")):
        answer = server.run(code, language, evaluate=True)
        assert (answer["result"], answer["error"], answer["warnings"]) == (None, None, [warning])
    answer = server.execute("while True: pass", evaluate=True, timeout=1)
    assert answer.status == 500 and answer.json["status"] == "timed_out"
    assert (answer.json["result"], answer.json["error"], answer.json["warnings"]) == (None, None, [])


# Forging. A report that is not the driver's is never a result.

FORGED = "evaluate: the program left a report that is not the driver's, so there is no result"
REPORT = "report = b'\\0' * 32 + b'\\0' * 4 + b'\\1\\0\\0\\0' + b'\\xff' * 12 + b'F'\n"
WRITE = REPORT + "open('/tmp/.codecell-report', 'wb').write(report)\n"


def test_a_forged_report_alone(server):
    for content in ("report", "b''", "b'x'", "report + report", "b'\\xff' * 1_000_000"):
        answer = server.run(f"{WRITE}import os\nopen('/tmp/.codecell-report', 'wb').write({content})\nos._exit(0)",
                            evaluate=True)
        assert (answer["result"], answer["error"]) == (None, None)
        assert len(answer["warnings"]) == 1 and answer["exit_code"] == 0


@pytest.mark.parametrize("code", [
    WRITE + "'real'",
    REPORT + "import os\nfor fd in range(1024):\n    try:\n        fd > 2 and os.write(fd, report)\n    except OSError: pass\n'real'",
    "import os\nos.symlink('/proc/self/environ', '/tmp/.codecell-report')\n'real'",
    "import os\nos.mkfifo('/tmp/.codecell-report')\n'real'",
    WRITE + "import atexit\natexit.register(lambda: None)\n'real'",
    "import builtins, os, posix, sys, traceback\nfor module in (builtins, os, posix, sys, traceback):\n"
    "    for name in ('open', 'write', 'unlink', 'repr', 'str', 'len', 'exec', 'compile', 'format_exception'):\n"
    "        hasattr(module, name) and setattr(module, name, None)\n'real'",
])
def test_the_driver_comes_after_the_program(server, code):
    answer = server.run(code, evaluate=True)
    assert (answer["result"], answer["error"], answer["warnings"]) == ("'real'", None, [])


@pytest.mark.parametrize("code", [
    # a child, a thread and an exit handler that write until they are ended
    REPORT + "import os\nif os.fork() == 0:\n    while True:\n"
             "        with open('/tmp/.codecell-report', 'wb') as file: file.write(report)\n'real'",
    REPORT + "import threading\ndef write():\n    while True:\n"
             "        with open('/tmp/.codecell-report', 'wb') as file: file.write(report)\n"
             "threading.Thread(target=write, daemon=True).start()\n'real'",
    WRITE + "import atexit\natexit.register(lambda: open('/tmp/.codecell-report', 'wb').write(report))\n'real'",
    "import os\nos.mkdir('/tmp/.codecell-report')\n'real'",
])
def test_a_forger_spoils_its_own_result_at_most(server, code):
    answer = server.run(code, evaluate=True)
    assert answer["result"] in ("'real'", None) and answer["error"] is None
    assert answer["exit_code"] == 0 and server.run("1 + 1", evaluate=True)["result"] == "2"


def test_the_key_is_out_of_reach(server):
    code = ("import gc, os, re, sys\n"
            "key = re.compile('^[0-9a-f]{64}$')\n"
            "def texts(thing, depth=3):\n"
            "    if isinstance(thing, (str, bytes, bytearray)):\n"
            "        text = thing if isinstance(thing, str) else bytes(thing[:99]).decode('latin-1')\n"
            "        if key.match(text): yield text\n"
            "    elif depth:\n"
            "        for each in gc.get_referents(thing): yield from texts(each, depth - 1)\n"
            "frames = [frame for frame in gc.get_objects() if type(frame).__name__ == 'frame']\n"
            "found = [text for thing in gc.get_objects() for text in texts(thing, 1)]\n"
            "found += [text for frame in sys._current_frames().values() for text in texts(frame.f_locals)]\n"
            "found += [name for name in os.listdir('.') if 'codecell' in name]\n"
            "found += [fd for fd in os.listdir('/proc/self/fd') if int(fd) > 3]\n"
            "found += re.findall('[0-9a-f]{64}', open('/proc/self/environ').read() + open('/proc/self/cmdline').read())\n"
            "(found, sys._getframe().f_back)")
    for version in ("3.13", "3.11"):
        assert server.run(code, evaluate=True, version=version)["result"] == "([], None)"


def test_forging_in_javascript(server):
    write = "const fs = require('fs'); const report = Buffer.alloc(53, 0);\n"
    for code in (write + "fs.writeFileSync('/tmp/.codecell-report', report); 'real'",
                 "for (const name of ['from', 'alloc', 'concat']) Buffer[name] = null; JSON.stringify = null\n"
                 "for (const name of ['writeSync', 'openSync', 'closeSync', 'unlinkSync']) require('fs')[name] = null\n"
                 "require('crypto').createHmac = null; Reflect.apply = null\n"
                 "'real'"):
        answer = server.run(code, "javascript", evaluate=True)
        assert (answer["result"], answer["error"]) == ("'real'", None)
    broken = server.run(write + "for (let fd = 3; fd < 100; fd++) try { fs.writeSync(fd, report) } catch {}\n'real'",
                        "javascript", evaluate=True)
    # It breaks Node.js's own pipes, also without evaluate. The crash may come before or after the report.
    assert broken["result"] in ("'real'", None) and broken["error"] is None
    answer = server.run(write + "process.on('exit', () => fs.writeFileSync('/tmp/.codecell-report', report)); 'real'",
                        "javascript", evaluate=True)
    assert (answer["result"], answer["error"], answer["warnings"]) == (None, None, [FORGED])


# Cells.

def test_in_a_kept_cell(launch):
    server = launch({"CODECELL_POOL": "python=1"}, languages=["python"])
    key = server.key(reuse="key")
    for number in range(4):
        answer = server.run("open('/tmp/.codecell-report', 'w').write('x')\n%d + 1" % number, key=key, evaluate=True)
        assert (answer["result"], answer["error"], answer["warnings"]) == (str(number + 1), None, [])
        answer = server.run("import os; os._exit(0)", key=key, evaluate=True)
        assert (answer["result"], len(answer["warnings"])) == (None, 1)
