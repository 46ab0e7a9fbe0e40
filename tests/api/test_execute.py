"""POST /api/v1/execute: what a request says and what its answer says, field by field."""
import contextlib
import json
import re
import subprocess
from pathlib import Path

import pytest

from codecell import ROOT, UUID, top, wait_for

SEVEN = ["execution_id", "stdout", "stderr", "exit_code", "execution_time", "language", "session_id"]
FURTHER = {"status", "signal", "timed_out", "stdout_truncated", "stderr_truncated", "cpu_time", "memory_mb", "compile",
           "queue_time", "warnings"}
HELLO = {
    "python": "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(3)\n",
    "javascript": "console.log('out'); console.error('err'); process.exit(3);\n",
    "bash": "echo out; echo err >&2; exit 3\n",
    "c": '#include <stdio.h>\nint main(void) { puts("out"); fputs("err\\n", stderr); return 3; }\n',
}
ECHO = {  # prints its arguments and its input
    "python": "import sys\nprint(sys.argv[1:], sys.stdin.read())",
    "javascript": "console.log(process.argv.slice(2), require('fs').readFileSync(0, 'utf8'))",
    "bash": 'printf "<%s>" "$@"; cat',
    "c": '#include <stdio.h>\nint main(int n, char **v) { for (int i = 1; i < n; i++) printf("<%s>", v[i]);'
         ' for (int c; (c = getchar()) != EOF;) putchar(c); return 0; }',
}


def test_the_seven_fields_in_their_order(server):
    answer = server.execute('print("Hello, World!")')
    assert answer.status == 200
    result = answer.json
    assert list(result)[:7] == SEVEN
    assert UUID.fullmatch(result["execution_id"])
    assert result["stdout"] == "Hello, World!\n"
    assert result["stderr"] == ""
    assert result["exit_code"] == 0
    assert isinstance(result["execution_time"], float) and 0 < result["execution_time"] < 30
    assert result["language"] == "python"
    assert result["session_id"] is None


def test_the_further_fields(server):
    result = server.run("print(1+1)")
    assert FURTHER <= set(result), FURTHER - set(result)
    assert result["status"] == "completed"
    assert result["signal"] is None
    assert (result["timed_out"], result["stdout_truncated"], result["stderr_truncated"]) == (False, False, False)
    assert 0 < result["cpu_time"] < 10
    assert 1 < result["memory_mb"] < 512
    assert result["compile"] is None
    assert result["queue_time"] >= 0
    assert result["warnings"] == []


@pytest.mark.parametrize("language", sorted(HELLO))
def test_each_language(server, language):
    result = server.run(HELLO[language], language)
    assert (result["stdout"], result["stderr"], result["exit_code"]) == ("out\n", "err\n", 3)
    assert (result["language"], result["status"], result["signal"]) == (language, "failed", None)


@pytest.mark.parametrize("language", sorted(ECHO))
def test_args_and_stdin_in_each_language(server, language):
    out = server.output(ECHO[language], language, args=["a b", "", "-x", "ü"], stdin="in put")
    if language == "python":
        assert out == "['a b', '', '-x', 'ü'] in put\n"
    elif language == "javascript":
        assert out == "[ 'a b', '', '-x', 'ü' ] in put\n"
    else:
        assert out == "<a b><><-x><ü>in put"


def test_each_execution_has_an_id_of_its_own(server):
    assert len({server.run("pass")["execution_id"] for _ in range(3)}) == 3


@pytest.mark.parametrize("name,id_", [("PYTHON", "python"), ("Py", "python"), ("Node", "javascript"), ("SH", "bash")])
def test_language_by_alias_in_any_case(server, name, id_):
    code = {"python": "1", "javascript": "1", "bash": ":"}[id_]
    assert server.run(code, name)["language"] == id_


def test_trailing_slash(server):
    answer = server.request("POST", "/api/v1/execute/", {"code": "print(1)", "language": "python"})
    assert (answer.status, answer.json["stdout"]) == (200, "1\n")


def test_bearer_key(server):
    answer = server.request("POST", "/api/v1/execute", {"code": "print(1)", "language": "python"}, key=None,
                            headers={"Authorization": "Bearer " + server.any_key})
    assert answer.status == 200


def test_content_type_with_parameters_and_in_any_case(server):
    body = json.dumps({"code": "print(1)", "language": "python"}).encode()
    for kind in ("application/json; charset=utf-8", "Application/JSON", "application/json;x=\"y\""):
        assert server.post(body, headers={"Content-Type": kind}).status == 200, kind


# Standard input and the streams.

def test_no_stdin_is_end_of_file(server):
    assert server.output("import sys; print(repr(sys.stdin.read()))") == "''\n"


@pytest.mark.parametrize("stdin", ["", "no newline", "a\nb\n", "nul \0 inside", "smile \U0001f600", "\r\n"])
def test_stdin_arrives_as_it_is(server, stdin):
    assert server.output("import sys; print(sys.stdin.buffer.read())", stdin=stdin) == f"{stdin.encode()}\n"


def test_much_stdin(server):
    stdin = "0123456789abcde\n" * 65536 * 15  # 15 MiB
    code = "import sys, hashlib; d = sys.stdin.buffer.read(); print(len(d), d[:3], d[-3:])"
    assert server.output(code, stdin=stdin) == f"{len(stdin)} b'012' b'de\\n'\n"


def test_stdin_that_nobody_reads(server):
    assert server.output("print(1)", stdin="x" * 5_000_000) == "1\n"


def test_stdin_that_is_read_in_part(server):
    assert server.output("import sys; print(sys.stdin.read(3))", stdin="abc" * 1_000_000) == "abc\n"


def test_the_streams_are_pipes(server):
    code = "import os, stat; print([stat.S_ISFIFO(os.fstat(n).st_mode) for n in range(3)])"
    assert server.output(code, stdin="x") == "[True, True, True]\n"


def test_no_other_descriptor_is_open(server):
    assert server.output("import os; print(os.listdir('/proc/self/fd'))") == "['0', '1', '2', '3']\n"


def test_dev_stdin_stdout_stderr(server):
    result = server.run("cat /dev/stdin > /dev/stdout; echo err > /dev/stderr; echo fd >> /proc/self/fd/1", "bash",
                        stdin="in\n")
    assert (result["stdout"], result["stderr"], result["exit_code"]) == ("in\nfd\n", "err\n", 0)


def test_the_streams_are_apart_and_whole(server):
    code = "import sys\nfor i in range(20000): print(i); print(-i, file=sys.stderr)"
    result = server.run(code)
    assert result["stdout"] == "".join(f"{i}\n" for i in range(20000))
    assert result["stderr"] == "".join(f"{-i}\n" for i in range(20000))


def test_a_program_that_closes_its_streams(server):
    result = server.run("import os, time\nfor n in 0, 1, 2: os.close(n)\ntime.sleep(0.2)\nos._exit(7)")
    assert (result["exit_code"], result["stdout"], result["stderr"], result["status"]) == (7, "", "", "failed")


def test_nul_in_code_stdin_and_output(server):
    assert server.output("import sys; sys.stdout.write('a\\0b')") == "a\0b"
    assert server.output("cat", "bash", stdin="x\0y") == "x\0y"
    result = server.run("print(1) # \0")  # the rest is up to python
    assert result["status"] in ("completed", "failed")


@pytest.mark.parametrize("wrote,seen", [
    (b"\xff", "\ufffd"), (b"a\xc3", "a\ufffd"), (b"\xc3\xa9", "é"), (b"\xe2\x82", "\ufffd\ufffd"),
    (b"\xed\xa0\x80", "\ufffd" * 3), (b"\xf0\x9f\x98\x80", "\U0001f600"), (b"\xf5\x80", "\ufffd\ufffd"),
    (b"\xc0\x80", "\ufffd\ufffd"), (b"\xf4\x90\x80\x80", "\ufffd" * 4), (bytes(range(128)), bytes(range(128)).decode()),
])
def test_output_that_is_not_utf8(server, wrote, seen):
    result = server.run(f"import sys; sys.stdout.buffer.write({wrote!r}); sys.stderr.buffer.write({wrote!r})")
    assert (result["stdout"], result["stderr"], result["stdout_truncated"]) == (seen, seen, False)


def test_code_in_other_scripts(server):
    assert server.output("print('日本語 ünï \U0001f600')") == "日本語 ünï \U0001f600\n"


# Truncation.

def test_output_past_its_limit(server):
    result = server.run("print('x' * 5000)\nimport sys; print('y' * 100, file=sys.stderr)\nsys.exit(4)",
                        limits={"output_kb": 1})
    assert (result["stdout"], result["stdout_truncated"]) == ("x" * 1024, True)
    assert (result["stderr"], result["stderr_truncated"]) == ("y" * 100 + "\n", False)
    assert (result["exit_code"], result["status"]) == (4, "failed")


def test_output_exactly_at_its_limit(server):
    result = server.run("import sys; sys.stdout.write('x' * 1024); sys.stderr.write('y' * 1025)",
                        limits={"output_kb": 1})
    assert (len(result["stdout"]), result["stdout_truncated"]) == (1024, False)
    assert (len(result["stderr"]), result["stderr_truncated"]) == (1024, True)


def test_the_default_output_limit_is_one_mebibyte(server):
    result = server.run("import sys; sys.stdout.write('x' * 3_000_000)")
    assert (len(result["stdout"]), result["stdout_truncated"]) == (1024 * 1024, True)
    assert (result["exit_code"], result["status"]) == (0, "completed")


def test_the_greatest_output(server):
    result = server.run("import sys; sys.stdout.write('z' * 17_000_000)", limits={"output_kb": 16384})
    assert (len(result["stdout"]), result["stdout_truncated"]) == (16384 * 1024, True)


def test_a_character_cut_by_the_limit_is_not_called_bad(server):
    result = server.run("import sys; sys.stdout.buffer.write(b'x' * 1023 + 'é'.encode())", limits={"output_kb": 1})
    assert (result["stdout"], result["stdout_truncated"]) == ("x" * 1023, True)


# Exit and signals.

@pytest.mark.parametrize("code", [0, 1, 42, 124, 127, 255])
def test_exit_codes(server, code):
    result = server.run(f"exit {code}", "bash")
    assert (result["exit_code"], result["signal"]) == (code, None)
    assert result["status"] == ("failed" if code else "completed")
    assert result["timed_out"] is False


@pytest.mark.parametrize("name,number", [("SIGKILL", 9), ("SIGSEGV", 11), ("SIGTERM", 15), ("SIGABRT", 6),
                                         ("SIGXFSZ", 25)])
def test_signals(server, name, number):
    result = server.run(f"import os, signal\nsignal.signal({number}, 0) if {number} != 9 else 0\n"
                        f"os.kill(os.getpid(), {number})\nsignal.pause()")
    assert (result["exit_code"], result["signal"], result["status"]) == (128 + number, name, "failed")


def test_a_crash_in_c(server):
    result = server.run("int main(void) { volatile int *p = 0; return *p; }", "c")
    assert (result["exit_code"], result["signal"], result["status"]) == (139, "SIGSEGV", "failed")
    assert result["compile"]["exit_code"] == 0


def test_an_uncaught_exception(server):
    result = server.run("def f():\n    raise ValueError('no')\nf()")
    assert result["exit_code"] == 1
    assert result["stderr"].splitlines()[-1] == "ValueError: no"
    assert re.search(r'File ".*main\.py", line 2, in f', result["stderr"])


# Background children.

@pytest.mark.parametrize("keeps", ["", ">/dev/null 2>&1 </dev/null"])
def test_children_that_stay_behind_do_not_hold_the_answer(server, keeps):
    """The children live longer than a test waits for an answer."""
    result = server.run(f"echo first; (setsid sleep 250 {keeps} & ); (trap '' TERM HUP; sleep 250 {keeps}) & exit 0",
                        "bash", timeout=300)
    assert (result["stdout"], result["exit_code"]) == ("first\n", 0)


def test_what_children_wrote_before_the_end_is_there(server):
    assert server.output("(echo child) & wait; echo parent", "bash") == "child\nparent\n"


def test_execution_time_is_the_first_process_alone(server):
    result = server.run("(sleep 250; echo late) & sleep 0.2; echo now", "bash", timeout=300)
    assert result["stdout"] == "now\n"
    assert 0.2 <= result["execution_time"] < 100


def test_cpu_time_and_memory_are_the_programs(server):
    result = server.run("import time\nx = b'1' * 120_000_000\nt = time.process_time()\n"
                        "while time.process_time() - t < 0.5: pass")
    assert 0.5 <= result["cpu_time"] < 5
    assert 110 < result["memory_mb"] < 250
    assert server.run("import time; time.sleep(0.5)")["cpu_time"] < 0.4


# Timeout.

def test_timeout(server):
    answer = server.execute("import sys, time\nprint('before', flush=True)\nprint('err', file=sys.stderr, flush=True)\n"
                            "time.sleep(100)", timeout=5, session_id="slow")
    assert answer.status == 500
    result = answer.json
    assert result["detail"] == "Execution failed: container timeout"
    assert [name for name in result if name != "detail"][:7] == SEVEN
    assert FURTHER <= set(result)
    assert (result["stdout"], result["stderr"]) == ("before\n", "err\n")
    assert (result["exit_code"], result["timed_out"], result["status"]) == (124, True, "timed_out")
    assert (result["language"], result["session_id"]) == ("python", "slow")
    assert 5 <= result["execution_time"] < 50


def test_timeout_of_a_program_that_ignores_signals(server):
    answer = server.execute("trap '' TERM INT HUP; for i in 1 2 3; do (trap '' TERM; while :; do :; done) & done;"
                            "while :; do :; done", "bash", timeout=1)
    assert (answer.status, answer.json["exit_code"]) == (500, 124)


def test_everything_is_gone_before_a_timeout_is_answered(server):
    server.execute("import subprocess\nsubprocess.run(['sleep', '77123'])", timeout=1)
    found = subprocess.run(["pgrep", "-f", "sleep 77123"], capture_output=True, text=True, check=False).stdout
    assert found == ""


def test_the_compile_step_does_not_count_against_the_timeout(server):
    body = "".join(f"int f{i}(int x) {{ return x * {i} + f{i - 1}(x); }}\n" for i in range(1, 1500))
    result = server.run(f"int f0(int x) {{ return x; }}\n{body}int main(void) {{ return f3(1) == 7 ? 0 : 1; }}", "c",
                        timeout=3)
    assert (result["exit_code"], result["status"]) == (0, "completed")
    assert result["compile"]["execution_time"] > 0


# Compilation.

def test_a_compilation(server):
    result = server.run('#include <stdio.h>\nint main(void) { int unused; puts("x"); }', "c")
    assert set(result["compile"]) == {"stdout", "stderr", "exit_code", "execution_time"}
    assert (result["compile"]["exit_code"], result["compile"]["stdout"]) == (0, "")
    assert "unused" in result["compile"]["stderr"]  # a warning is not the program's own output
    assert (result["stdout"], result["stderr"], result["status"]) == ("x\n", "", "completed")


def test_a_compilation_that_fails(server):
    result = server.run("int main(void) { return nothing; }", "c")
    assert result["status"] == "compile_failed"
    assert result["exit_code"] == result["compile"]["exit_code"] == 1
    assert "main.c:1" in result["stderr"] and "nothing" in result["stderr"]
    assert result["compile"]["stderr"] == result["stderr"]
    assert (result["stdout"], result["timed_out"], result["signal"]) == ("", False, None)


# Environment, files, session.

def test_environment(server):
    code = "import os, json; print(json.dumps(dict(os.environ)))"
    env = {"A": "1", "_x9": "", "QUOTES": "a 'b' \"c\" $D\n", "ber": "ü"}
    seen = json.loads(server.output(code, environment=env))
    assert {name: seen.get(name) for name in env} == env


def test_the_environment_of_a_request_wins(server):
    code = "import os; print(os.environ['LANG'], os.environ['PATH'])"
    assert server.output(code, environment={"LANG": "C", "PATH": "/bin"}) == "C /bin\n"


def test_a_terminal_s_name(server):
    """clear and tput do not fail, and programs print no colours, because there is no terminal."""
    code = "clear && tput bold && tput setaf 1 && tput sgr0 && tput cols; echo $TERM"
    result = server.run(code, "bash")
    assert result["stdout"].endswith("80\nxterm-256color\n") and result["stderr"] == ""
    assert server.output("echo $TERM", "bash", environment={"TERM": "dumb"}) == "dumb\n"
    assert server.output("ls --color=auto; echo x | grep --color=auto x", "bash") == "main.sh\nx\n"
    for language, code in [("python", "def f(:"), ("python", "1/0"), ("javascript", "console.log({a: 1}); throw 1")]:
        result = server.run(code, language)
        assert result["stderr"] and "\x1b" not in result["stdout"] + result["stderr"]


def test_what_a_program_finds_of_itself(server):
    code = ("import getpass, os, socket; print(getpass.getuser(), os.getuid() >= 10000, os.getgid() >= 10000, "
            "os.access('.', os.W_OK), os.getcwd() == os.path.realpath(os.getcwd()))")
    assert server.output(code) == "sandbox True True True True\n"
    assert server.output("console.log(require('os').userInfo().username)", "javascript") == "sandbox\n"
    assert server.output("import socket; print(socket.gethostbyname('localhost'))") == "127.0.0.1\n"


def test_the_image_names_every_user_id_of_a_cell(server):
    header = (ROOT / "docker" / "cell" / "cells.h").read_text(encoding="utf-8")
    first, count = (int(re.search(rf"#define {name} (\d+)u", header)[1]) for name in ("CELL_UID_FIRST", "CELL_UID_COUNT"))
    for file in ("passwd", "group"):
        named = server.output(f"grep ^sandbox: /etc/{file} | cut -d: -f3", "bash").split()
        assert [int(id_) for id_ in named] == list(range(first, first + count)), file


def test_files(server):
    files = [{"path": "data.txt", "content": "tëxt\n"},
             {"path": "sub/dir/x.bin", "content": "AAH/", "encoding": "base64"},
             {"path": "helper.py", "content": "def f(): return 'helped'", "encoding": "utf8"},
             {"path": "empty", "content": ""}, {"path": "nul", "content": "a\0b"}]
    code = ("import helper\nprint(open('data.txt').read(), open('sub/dir/x.bin', 'rb').read(), helper.f(), "
            "open('empty').read(), repr(open('nul').read()))")
    assert server.output(code, files=files) == "tëxt\n b'\\x00\\x01\\xff' helped  'a\\x00b'\n"


def test_files_may_be_changed_by_the_program(server):
    code = "open('sub/a', 'a').write('2'); print(open('sub/a').read()); open('sub/b', 'w').write('3')"
    assert server.output(code, files=[{"path": "sub/a", "content": "1"}]) == "12\n"


SCRIPT = "#!/bin/sh\necho \"hi $1\"\n"


@pytest.mark.parametrize("language,code", [
    ("bash", "bin/greet Bob; chmod +x plain; ./plain Al; printf '#!/bin/sh\\necho inner\\n' > t; chmod +x t; ./t"),
    ("python", "import os, subprocess as s\nprint(s.getoutput('bin/greet Bob'))\nos.chmod('plain', 0o700)\n"
               "print(s.getoutput('./plain Al'))\nopen('t', 'w').write('#!/bin/sh\\necho inner\\n')\n"
               "os.chmod('t', 0o755)\nprint(s.getoutput('./t'))"),
    ("javascript", "const fs = require('fs'), run = c => process.stdout.write(require('child_process').execSync(c));"
                   "run('bin/greet Bob'); fs.chmodSync('plain', 0o755); run('./plain Al');"
                   "fs.writeFileSync('t', '#!/bin/sh\\necho inner\\n', {mode: 0o755}); run('./t');"),
])
def test_files_that_are_programs(server, language, code):
    """A script that names its interpreter runs by its path; other files run after the program made them executable."""
    files = [{"path": "bin/greet", "content": SCRIPT}, {"path": "plain", "content": 'echo "hi $1"\n'}]
    if language != "bash":
        files[1]["content"] = SCRIPT.replace("/bin/sh", "/usr/bin/env sh")
    assert server.output(code, language, files=files) == "hi Bob\nhi Al\ninner\n"


def test_only_files_that_name_an_interpreter_are_programs(server):
    files = [{"path": "a", "content": "echo a"}, {"path": "b", "content": SCRIPT},
             {"path": "c", "content": "IyE=", "encoding": "base64"}, {"path": "d", "content": "#"}]
    assert server.output("stat -c '%n %a' a b c d", "bash", files=files) == "a 644\nb 755\nc 755\nd 644\n"


def test_many_files_at_the_limit(server):
    files = [{"path": f"d{i}/f{i}", "content": "x" * 80_000} for i in range(128)]
    code = "import glob, os; print(sum(os.path.getsize(f) for f in glob.glob('d*/*')))"
    assert server.output(code, files=files) == f"{128 * 80_000}\n"


def test_session_id_comes_back(server, key):
    for session in ("a", "user.1:chat_2-x", "9" * 128):
        assert server.run("pass", session_id=session, key=key)["session_id"] == session


# JSON's finer points.

def test_null_is_absent(server):
    names = ["stdin", "environment", "timeout", "session_id", "args", "files", "limits", "version", "outputs",
             "evaluate", "stream"]
    result = server.run("print(1)", **{name: None for name in names})
    assert (result["stdout"], result["warnings"]) == ("1\n", [])


def test_an_integer_may_be_written_with_a_point(server):
    body = b'{"code": "print(1)", "language": "python", "timeout": 30.0, "limits": {"memory_mb": 1.28e2}}'
    assert server.post(body).status == 200


def test_unknown_fields_are_named_in_warnings(server):
    warnings = server.run("print(1)", colour="red", limits={"gpu": 1})["warnings"]
    assert len(warnings) == 2
    assert any("colour" in warning for warning in warnings)
    assert any("limits.gpu" in warning for warning in warnings)


def test_escapes_in_json(server):
    body = b'{"code": "print(\'\\u00fc\\ud83d\\ude00\')", "l\\u0061nguage": "python"}'
    assert server.post(body).json["stdout"] == "ü\U0001f600\n"


def test_code_at_its_greatest(server):
    code = "print(1)\n#"
    assert server.output(code + "x" * (1024 * 1024 - len(code))) == "1\n"


def test_code_at_its_greatest_counts_bytes(server):
    code = "print(1)\n#"
    code += "é" * ((1024 * 1024 - len(code)) // 2)
    assert server.output(code) == "1\n"
    assert server.execute(code + "é").status == 400


# Limits.

def test_a_forbidden_call_is_said(server):
    result = server.run("import os, signal; os.kill(os.getpid(), signal.SIGSYS)")
    assert (result["status"], result["signal"], result["exit_code"]) == ("failed", "SIGSYS", 159)
    assert [w for w in result["warnings"] if "32-bit system calls" in w]


def test_limit_of_memory(server):
    result = server.run("x = bytearray(300_000_000)\nfor i in range(0, len(x), 4096): x[i] = 1\nprint('all')",
                        limits={"memory_mb": 64})
    assert (result["status"], result["exit_code"], result["signal"]) == ("out_of_memory", 137, "SIGKILL")
    assert "all" not in result["stdout"]


def test_a_child_over_the_limit_ends_the_program_or_is_told(server):
    """The agent ends the whole program. If the kernel was quicker, it killed the child alone, which is a warning."""
    code = ("import subprocess, sys\n"
            "p = subprocess.run([sys.executable, '-c', 'x = bytearray(300_000_000)\\n"
            "for i in range(0, len(x), 4096): x[i] = 1'])\nprint(p.returncode)")
    result = server.run(code, limits={"memory_mb": 64})
    if result["status"] == "completed":
        assert (result["stdout"], result["exit_code"]) == ("-9\n", 0)
        assert any("memory" in warning for warning in result["warnings"])
    else:
        assert (result["status"], result["stdout"], result["exit_code"]) == ("out_of_memory", "", 137)


def test_memory_within_the_limit_is_given(server):
    code = "x = bytearray(200_000_000)\nfor i in range(0, len(x), 4096): x[i] = 1\nprint('all')"
    assert server.output(code, limits={"memory_mb": 256}) == "all\n"


def test_memory_and_disk_are_apart(server):
    code = ("open('f', 'wb').write(b'x' * 90_000_000)\n"
            "x = bytearray(90_000_000)\nfor i in range(0, len(x), 4096): x[i] = 1\nprint('all')")
    assert server.output(code, limits={"memory_mb": 110, "disk_mb": 100}) == "all\n"


def test_limit_of_disk(server):
    code = ("import errno\ntry:\n    with open('f', 'wb') as f:\n        for i in range(64): f.write(b'x' * 1048576)\n"
            "except OSError as e: print(errno.errorcode[e.errno])")
    assert server.output(code, limits={"disk_mb": 8}) == "ENOSPC\n"
    assert server.output(code, limits={"disk_mb": 80}) == ""


def test_limit_of_processes(server):
    code = ("import os, time\nn = 0\ntry:\n    while n < 100:\n"
            "        if os.fork() == 0: time.sleep(60)\n        n += 1\n"
            "except OSError as e: print(e.errno == 11)\nprint(n)")
    assert server.output(code, limits={"processes": 8}) == "True\n7\n"


def test_limit_of_cpu(server):
    """The cgroup's files (version 1 or 2) say how much of each period it may use, and the kernel holds it to that: a
    second of the clock brings it 0.2 s of CPU time, and one more period at most."""
    code = """
        cd /sys/fs/cgroup; [ -e cpu.max ] || cd cpu
        until=$((${EPOCHREALTIME/./} + 1000000))
        while (( ${EPOCHREALTIME/./} < until )); do :; done
        echo $(cat cpu.max 2>/dev/null || cat cpu.cfs_quota_us cpu.cfs_period_us)"""
    result = server.run(code, "bash", limits={"cpu": 0.2}, timeout=60)
    allowed, period = map(int, result["stdout"].split())
    assert allowed / period == 0.2
    assert result["cpu_time"] <= result["execution_time"] * 0.2 + 0.12, result


@pytest.mark.parametrize("limits", [{"cpu": 0.1}, {"memory_mb": 32}, {"disk_mb": 1}, {"processes": 8}, {"output_kb": 1},
                                    {"cpu": 2, "memory_mb": 2048, "disk_mb": 1024, "processes": 256,
                                     "output_kb": 16384}, {"cpu": 1.25}, {}])
def test_limits_at_their_edges(server, limits):
    assert server.output("echo 1", "bash", limits=limits) == "1\n"


def test_threads_are_told_by_the_cpu_limit(server):
    code = "import os; print(os.environ['OMP_NUM_THREADS'], os.environ['OPENBLAS_NUM_THREADS'])"
    assert server.output(code) == "1 1\n"
    assert server.output(code, limits={"cpu": 2}) == "2 2\n"
    assert server.output(code, limits={"cpu": 0.5}) == "1 1\n"


@pytest.mark.parametrize("module", ["numpy", "pandas", "sympy", "dateutil", "PIL"])
def test_packages_of_python(server, module):
    assert server.output(f"import {module}; print({module}.__name__)") == module + "\n"


@pytest.mark.parametrize("module,code", [("lodash", "m.chunk([1,2,3],2).length"),
                                         ("dayjs", "m('2020-01-31').format('YYYY')"), ("mathjs", "m.evaluate('1+1')")])
def test_packages_of_javascript(server, module, code):
    assert server.output(f"const m = require('{module}'); console.log({code})", "javascript") in ("2\n", "2020\n")


def weights(server, language):
    """{container: its weight on the processors}, as the host's cgroups say: shares in version 1, a weight in version 2."""
    found = {}
    for cell in server.containers(running=True):
        if cell["labels"]["io.codecell.language"] == language:
            for pattern in ("cpu*/docker/{}/cpu.shares", "docker/{}/cpu.weight", "*/docker-{}.scope/cpu.weight"):
                for file in Path("/sys/fs/cgroup").glob(pattern.format(cell["id"])):
                    with contextlib.suppress(OSError):  # the cell has ended since
                        found[cell["id"]] = int(file.read_text(encoding="ascii"))
    return found


def test_a_long_program_gives_way_on_the_processors(server):
    def usual():
        found = set(weights(server, "bash").values())
        return max(found) if len(found) == 1 and max(found) >= 39 else None
    first = wait_for("cells of the usual weight", usual)
    running = server.begin("exec sleep 47", "bash")
    try:
        wait_for("the program's cell to give way", lambda: [
            cell for cell, weight in weights(server, "bash").items() if first >= 6 * weight and "sleep 47" in top(cell)])
    finally:
        running.leave()
