"""Kernels: interpreters that a workspace keeps between its executions. What stays, what is shown, how they are ended."""
import base64
import itertools
import time

import pytest

from codecell import Pending, wait_for
from events import Events
from socket_client import SocketClient

SETTINGS = {"CODECELL_POOL": "python=1,javascript=1", "CODECELL_WORKSPACES_AWAKE": "4"}
SESSIONS = "/api/v1/sessions"
LIVES = "The kernel was interrupted; its state is still there."
ENDED = "The kernel was ended; its state is gone."
DIED = "The kernel has ended; its state is gone."
names = map("k{}".format, itertools.count())


def make(server, language="python", **fields):
    id_ = next(names)
    body = {"session_id": id_, "workspace": True, "language": language, **fields}
    answer = server.request("POST", SESSIONS, body)
    assert answer.status == 201, answer
    return id_


@pytest.fixture(scope="module")
def py(server):
    return make(server)


@pytest.fixture(scope="module")
def js(server):
    return make(server, "javascript")


def body(session, code, **fields):
    return {"code": code, "session_id": session, "kernel": True, **fields}


def ask(server, session, code, **fields):
    answer = server.post(body(session, code, **fields))
    assert answer.status in (200, 500), answer
    return answer.json


def cell(server, session, code, **fields):
    """One that ends well, and has no warnings: its answer."""
    done = ask(server, session, code, **fields)
    assert (done["status"], done["exit_code"], done["stderr"], done["error"], done["warnings"]) == (
        "completed", 0, "", None, []), done
    return done


def result(server, session, code, **fields):
    return cell(server, session, code, **fields)["result"]


def failed(server, session, code, **fields):
    """One that ends with an exception, which stderr has too."""
    done = ask(server, session, code, **fields)
    assert (done["status"], done["exit_code"], done["signal"], done["warnings"]) == ("failed", 1, None, []), done
    assert list(done["error"]) == ["name", "message", "traceback"]
    return done


def steer(server, session, what, key=None):
    return server.request("POST", f"{SESSIONS}/{session}/{what}", key=key or server.any_key)


def restart(server, session):
    answer = steer(server, session, "restart")
    assert (answer.status, answer.json) == (200, {"message": f"Kernel of session {session} restarted"})


STUBBORN = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)"
SLEEPY = "import time\nprint('up', flush=True)\ntime.sleep(60)"


def begin(server, session, code, **fields):
    """Starts one that prints first, and waits for that. Its execution's id, a function that gives its end, and one with
    which its client leaves."""
    stream = Events(server, "POST", "/api/v1/execute", body(session, code, stream=True, **fields)).head()
    events = iter(stream)
    started = next(events)
    while next(events).name != "stdout":
        pass
    return started.json["execution_id"], lambda: [*events][-1].json, stream.sock.close


# What stays.

def test_the_state_stays(server, py):
    first = cell(server, py, "import math\nx = 40\ndef add(n):\n    return x + n\nclass C:\n    v = 1")
    assert (first["results"], first["result"], first["stdout"]) == ([], None, "")
    fields = list(first)
    assert fields[fields.index("queue_time") + 1:] == ["results", "result", "error", "execution_count", "warnings"]
    done = cell(server, py, "x += 1\nprint(math.floor(add(1.5)))\nadd(1), C.v")
    assert (done["stdout"], done["result"], done["results"]) == ("42\n", "(42, 1)", [{"text/plain": "(42, 1)"}])
    assert done["execution_count"] == first["execution_count"] + 1
    assert result(server, py, "None") is None
    assert result(server, py, "__name__") == "'__main__'"


def test_files_are_the_workspace_s(server, py):
    cell(server, py, "open('made', 'w').write('by a kernel')", files=[{"path": "main.py", "content": "own = 7"}])
    plain = server.post({"code": "print(open('made').read())", "session_id": py}).json
    assert plain["stdout"] == "by a kernel\n"
    done = cell(server, py, "import os\nsorted(os.listdir())", outputs=["made"])
    assert done["result"] == "['made', 'main.py']"  # the plain program's: a kernel's code is not written
    assert [(f["path"], base64.b64decode(f["content"])) for f in done["files"]] == [("made", b"by a kernel")]
    assert result(server, py, "kept = 5\nkept") == "5"
    server.post({"code": "print(1)", "session_id": py})
    assert result(server, py, "kept") == "5"  # a program beside it does not end it


def test_one_after_another(server, py):
    """Two clients at once: in the order in which they came, and nothing is lost."""
    cell(server, py, "seen = []")
    before = len(server.executions(session_id=py))
    first = Pending(server, body(py, "import time\ntime.sleep(0.5)\nseen.append(1)"), server.any_key)
    wait_for("it is accepted", lambda: len(server.executions(session_id=py)) > before)
    second = Pending(server, body(py, "seen.append(2)"), server.any_key)
    assert first.answer().json["status"] == second.answer().json["status"] == "completed"
    assert result(server, py, "seen") == "[1, 2]"


def test_the_session_s_environment(server):
    id_ = make(server, None, environment={"A": "1"})  # the first execution says the language
    assert result(server, id_, "import os\nos.environ['A']", language="python") == "'1'"
    _, end, _ = begin(server, id_, STUBBORN, language="python")
    assert server.request("DELETE", f"{SESSIONS}/{id_}").status == 200  # which does not wait for an interrupt
    done = end()
    assert (done["status"], done["signal"]) == ("cancelled", "SIGKILL")


def test_other_limits(server, py):
    """They hold for the execution, and the kernel is the same one."""
    cell(server, py, "kept = 6")
    assert result(server, py, "kept", limits={"memory_mb": 300}) == "6"
    done = ask(server, py, "print('x' * 5000)", limits={"output_kb": 1})
    assert (len(done["stdout"]), done["stdout_truncated"], done["warnings"]) == (1024, True, [])
    assert result(server, py, "kept") == "6"


# What is shown.

def test_rich_values_in_their_order(server, py):
    done = cell(server, py, """
from IPython.display import display, HTML
class Rich:
    def __repr__(self): return "rich"
    def _repr_html_(self): return "<b>rich</b>"
    def _repr_latex_(self): return "$x$"
class Bundle:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"application/json": {"a": [1, None]}, "text/plain": "bundle"}
print("first")
display(Rich())
display(Bundle())
Rich()
""")
    assert done["stdout"] == "first\n"
    rich = {"text/html": "<b>rich</b>", "text/latex": "$x$", "text/plain": "rich"}
    assert done["results"] == [rich, {"application/json": {"a": [1, None]}, "text/plain": "bundle"}, rich], done
    assert done["result"] == "rich"


def test_a_data_frame(server, py):
    done = cell(server, py, "import pandas\npandas.DataFrame({'a': [1, 2]})", timeout=60)
    shown, = done["results"]
    assert "<table" in shown["text/html"] and shown["text/plain"] == "   a\n0  1\n1  2" == done["result"]


def test_a_figure(server, py):
    done = cell(server, py, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nNone", timeout=60)
    png = [shown["image/png"] for shown in done["results"] if "image/png" in shown]
    assert len(png) == 1 and base64.b64decode(png[0], validate=True).startswith(b"\x89PNG\r\n\x1a\n")


def test_a_large_value_is_cut_with_a_note(server, py):
    done = ask(server, py, "'x' * 6_000_000")
    assert (done["status"], len(done["result"])) == ("completed", 1 << 20)
    assert len(done["results"]) == 1 and len(done["results"][0]["text/plain"]) <= 4 << 20
    assert any("cut" in sentence for sentence in done["warnings"]), done["warnings"]
    done = ask(server, py, "from IPython.display import display\nfor i in range(20): display('y' * 1_000_000)")
    assert done["status"] == "completed" and done["warnings"], done["warnings"]
    assert 4 <= len(done["results"]) <= 8
    assert result(server, py, "1") == "1"


# Exceptions.

def test_an_exception_keeps_the_state(server, py):
    cell(server, py, "state = 1")
    done = failed(server, py, "state = 2\ndef f():\n    return 1 / 0\n\nf()")
    assert (done["error"]["name"], done["error"]["message"]) == ("ZeroDivisionError", "division by zero")
    trace = done["error"]["traceback"]
    assert done["stderr"] == trace and "line 3, in f" in trace and "return 1 / 0" in trace and "codecell" not in trace
    assert result(server, py, "state") == "2"
    done = failed(server, py, "x = = 1")
    assert done["error"]["name"] == "SyntaxError" and "x = = 1\n" in done["error"]["traceback"]
    assert "codecell" not in done["stderr"]
    done = failed(server, py, "f()")  # its line is still known
    assert "return 1 / 0" in done["error"]["traceback"]


# Await.

def test_top_level_await(server, py):
    assert result(server, py, "import asyncio\nasync def later():\n    await asyncio.sleep(0.01)\n    return 5\n"
                              "await later() + await later()") == "10"


# Input.

def test_input(server, py):
    code = "name = input('who? ')\nname"
    done = cell(server, py, code, stdin="Ada\nmore, which nobody reads\n")
    assert (done["stdout"], done["result"]) == ("who? ", "'Ada'")
    assert failed(server, py, code)["error"]["name"] == "EOFError"
    assert failed(server, py, code)["error"]["name"] == "EOFError"
    assert result(server, py, code, stdin="Grace\n") == "'Grace'"


# Time.

def test_a_timeout_interrupts(server, py):
    cell(server, py, "before = 1")
    answer = server.post(body(py, "import time\nprint('so far', flush=True)\ntime.sleep(60)", timeout=5))
    done = answer.json
    assert (answer.status, done["detail"], done["status"], done["timed_out"], done["exit_code"], done["signal"]) == (
        500, "Execution failed: container timeout", "timed_out", True, 124, None), done
    assert (done["stdout"], done["error"]["name"], done["warnings"]) == ("so far\n", "KeyboardInterrupt", [LIVES])
    assert result(server, py, "before") == "1"


def test_a_timeout_that_is_ignored_ends_it(server, py):
    code = """
import time
while True:
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        pass
"""
    answer = server.post(body(py, code, timeout=4))
    assert (answer.status, answer.json["status"], answer.json["exit_code"], answer.json["warnings"]) == (
        500, "timed_out", 124, [ENDED])
    assert result(server, py, "'before' in globals()") == "False"


@pytest.mark.parametrize("language, keep, wait, kept", [
    ("python", "kept = 1", "import os\nos.system('sleep 60')", "kept"),
    ("javascript", "var kept = 1", "require('child_process').execSync('sleep 60')", "kept"),
])
def test_a_timeout_interrupts_the_programs_of_a_cell(server, py, js, language, keep, wait, kept):
    """These calls take no interrupt themselves while they wait."""
    session = py if language == "python" else js
    cell(server, session, keep)
    done = ask(server, session, wait, timeout=4)
    assert (done["status"], done["warnings"]) == ("timed_out", [LIVES]), done
    assert result(server, session, kept) == "1"


# Interrupt and restart.

def test_interrupt(server, py):
    assert (steer(server, py, "interrupt").status, steer(server, py, "interrupt").detail) == (
        409, f"Nothing runs in the kernel of session {py}")
    cell(server, py, "n = 1")
    _, end, _ = begin(server, py, SLEEPY)
    answer = steer(server, py, "interrupt")
    assert (answer.status, answer.json) == (200, {"message": f"Session {py} interrupted"})
    last = end()
    assert (last["status"], last["exit_code"], last["error"]["name"], last["warnings"]) == (
        "failed", 1, "KeyboardInterrupt", [LIVES])
    assert result(server, py, "n") == "1"


def test_restart(server, py):
    cell(server, py, "n = 1\nopen('stays', 'w').close()")
    restart(server, py)
    done = cell(server, py, "import os\n'n' in globals(), os.path.exists('stays')")
    assert (done["result"], done["execution_count"]) == ("(False, True)", 1)
    restart(server, py)
    restart(server, py)  # there is none


def test_restart_ends_what_runs(server, py):
    cell(server, py, "n = 1")
    _, end, _ = begin(server, py, SLEEPY)
    restart(server, py)
    done = end()
    assert (done["status"], done["exit_code"], done["signal"], done["warnings"]) == ("failed", 137, "SIGKILL", [DIED])
    assert result(server, py, "'n' in globals()") == "False"


def test_restart_ends_what_does_not_read_its_input(server):
    """A signal waits behind it, so the container is ended."""
    id_ = make(server)
    _, end, _ = begin(server, id_, SLEEPY, stdin="x" * (1 << 20))

    def over():
        """Further restarts do not put the end off."""
        restart(server, id_)
        return steer(server, id_, "interrupt").status == 409
    wait_for("its end", over)
    done = end()
    assert (done["status"], done["exit_code"], done["signal"], done["warnings"]) == ("failed", 137, "SIGKILL", [DIED])
    done = ask(server, id_, "1")
    assert done["result"] == "1" and len(done["warnings"]) == 1, done
    assert done["warnings"][0].startswith("The workspace was lost (its kernel was restarted)")
    assert server.request("DELETE", f"{SESSIONS}/{id_}").status == 200


def test_a_cancelled_execution_is_interrupted(server, py):
    cell(server, py, "n = 3")
    execution, end, _ = begin(server, py, SLEEPY)
    answer = server.request("DELETE", f"/api/v1/executions/{execution}")
    assert (answer.status, answer.json["status"]) == (200, "cancelled")
    done = end()
    assert (done["status"], done["signal"], done["warnings"]) == ("cancelled", "SIGINT", [LIVES]), done
    assert result(server, py, "n") == "3"
    execution, _, leave = begin(server, py, SLEEPY)
    leave()
    assert result(server, py, "n") == "3"
    assert server.get(f"/api/v1/executions/{execution}").json["status"] == "cancelled"


def test_an_interrupt_that_is_ignored_ends_the_container(server):
    id_ = make(server)
    cell(server, id_, "open('kept', 'w').write('1')")
    execution, end, _ = begin(server, id_, STUBBORN)
    assert server.request("DELETE", f"/api/v1/executions/{execution}").json["status"] == "cancelled"
    done = end()
    assert (done["status"], done["signal"], done["warnings"]) == ("cancelled", "SIGKILL", [DIED])
    done = ask(server, id_, "open('kept').read()")
    assert done["result"] == "'1'" and done["warnings"][0].startswith("The workspace was lost"), done
    assert len(done["warnings"]) == 1  # the end of the kernel was told
    assert server.request("DELETE", f"{SESSIONS}/{id_}").status == 200


# Ends, and what should not be one.

@pytest.mark.parametrize("code, status, exit_code", [
    ("import os\nos._exit(7)", "failed", 7),
    ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "failed", 137),
    ("b = bytearray(1 << 33)\nfor i in range(0, 1 << 33, 4096): b[i] = 1", None, None),
])
def test_it_ends(server, py, code, status, exit_code):
    cell(server, py, "n = 1")
    done = ask(server, py, code, timeout=60)
    if status is None:  # an allocation fails, or the kernel is killed
        assert done["status"] == "out_of_memory" or done["error"]["name"] == "MemoryError", done
    else:
        assert (done["status"], done["exit_code"], done["warnings"]) == (status, exit_code, [DIED]), done
        assert result(server, py, "'n' in globals()") == "False"


def test_memory_that_is_used(server, py):
    done = ask(server, py, "big = []\nwhile True: big.append(bytearray(b'x') * 10_000_000)", timeout=60)
    assert done["status"] == "out_of_memory" or done["error"]["name"] == "MemoryError", done
    if done["status"] == "out_of_memory":
        assert DIED in done["warnings"]
    restart(server, py)
    assert result(server, py, "1 + 1") == "2"


@pytest.mark.parametrize("take", [
    "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()", "os.fork() or os._exit(0)",
])
def test_a_kernel_with_all_processes_makes_room(server, take):
    """What no other program could run beside, not even one that saves the files."""
    id_ = make(server, limits={"processes": 16})
    done = cell(server, id_, f"""
import os, threading, time
open('f', 'w').write('written')
try:
    while True:
        {take}
except (RuntimeError, OSError):
    print('full')
""")
    assert done["stdout"] == "full\n"
    answer = server.post({"code": "print(open('f').read())", "session_id": id_})
    assert (answer.status, answer.json["stdout"], answer.json["warnings"]) == (200, "written\n", []), answer
    done = ask(server, id_, "open('f').read()")
    assert (done["result"], done["warnings"]) == (
        "'written'", ["The kernel is new: what the one before it held is gone (it ended between two executions)."])
    assert server.request("DELETE", f"{SESSIONS}/{id_}").status == 200


def test_exit_ends_the_cell_alone(server, py):
    cell(server, py, "n = 4")
    done = ask(server, py, "import sys\nsys.exit(3)")
    assert (done["status"], done["exit_code"]) == ("failed", 3)
    assert result(server, py, "n") == "4"


def test_forks(server, py):
    """A child that goes on as a kernel, one that prints, and one that stays: none is the kernel."""
    cell(server, py, "n = 5")
    done = ask(server, py, "import os, time\nr, w = os.pipe()\npid = os.fork()\nif pid == 0:\n"
                           "    print('child', flush=True)\n    os.write(w, b'x')\n    time.sleep(60)\n"
                           "os.read(r, 1)\npid > 0")
    assert (done["status"], done["result"]) == ("completed", "True"), done
    assert done["stdout"] == "child\n"
    assert result(server, py, "n") == "5"
    assert result(server, py, "import subprocess\nsubprocess.run(['pgrep', '-c', '-r', 'D,R,S,T', 'python3'], "
                              "text=True, capture_output=True).stdout") == "'1\\n'"
    ask(server, py, "if os.fork() == 0:\n    raise ValueError\nos.wait()")
    assert result(server, py, "n") == "5"


def test_it_closes_its_channel(server, py):
    done = ask(server, py, "import os\nos.closerange(3, 1024)\n1")
    assert done["status"] in ("completed", "failed"), done
    ask(server, py, "2")
    restart(server, py)
    assert result(server, py, "3") == "3"


def test_it_speaks_the_protocol_itself(server, py):
    """On its standard streams it is output. On every other descriptor it reaches nothing, or says of itself what it
    could say anyway."""
    message = "struct.pack('<II', 2, 6) + b'forged' + struct.pack('<IIII', 9, 8, 0, 0)"
    done = cell(server, py, f"import os, struct\nos.write(1, {message})\n'mine'")
    assert done["result"] == "'mine'" and "forged" in done["stdout"]
    done = ask(server, py, f"for d in range(3, 1024):\n    try: os.write(d, b'\\xff' * 64)\n    except OSError: pass\n1")
    assert done["status"] in ("completed", "failed"), done
    restart(server, py)
    assert result(server, py, "1") == "1"


def test_a_thread_goes_on(server, py):
    """It stands still between cells, and is there in the next one."""
    cell(server, py, "import threading, time\nticks = 0\ndef tick():\n    global ticks\n    while True:\n"
                     "        ticks += 1\n        time.sleep(0.01)\nthreading.Thread(target=tick, daemon=True).start()")
    before = int(result(server, py, "ticks"))
    time.sleep(5)
    assert int(result(server, py, "ticks")) - before < 300
    cell(server, py, f"while ticks <= {before + 10}: time.sleep(0.01)")
    restart(server, py)


# JavaScript.

def test_javascript(server, js):
    assert result(server, js, "const x = 1; let y = 2; x + y") == "3"
    done = cell(server, js, "const x = 5; class C { v = x }\nconsole.log(y)\nnew C()")
    assert (done["stdout"], done["result"]) == ("2\n", "C { v: 5 }")
    assert result(server, js, "const later = async () => 7; await later()") == "7"
    assert result(server, js, "new Promise(done => setTimeout(() => done('waited'), 20))") == "'waited'"
    assert result(server, js, "undefined") is None
    assert result(server, js, "require('path').join('a', 'b')") == "'a/b'"
    done = failed(server, js, "throw new TypeError('no')")
    assert (done["error"]["name"], done["error"]["message"]) == ("TypeError", "no")
    assert failed(server, js, "let = = 1")["error"]["name"] == "SyntaxError"
    assert result(server, js, "x") == "5"


def test_javascript_with_other_limits(server, js):
    """The figure in its command is the session's, so the kernel is the same one."""
    cell(server, js, "var kept = 2")
    assert result(server, js, "kept", limits={"memory_mb": 300}) == "2"
    shown = cell(server, js, "({a: 1, toString() { return 'x' }})")["results"]
    assert len(shown) == 1 and shown[0]["text/plain"].startswith("{ a: 1")


def test_javascript_is_interrupted(server, js):
    cell(server, js, "var kept = 1")
    done = ask(server, js, "while (true) {}", timeout=4)
    assert (done["status"], done["exit_code"], done["warnings"]) == ("timed_out", 124, [LIVES]), done
    assert result(server, js, "kept") == "1"
    done = ask(server, js, "await new Promise(() => setTimeout(() => {}, 60000))", timeout=4)
    assert (done["status"], done["warnings"]) == ("timed_out", [LIVES]), done
    assert result(server, js, "kept") == "1"
    done = ask(server, js, "process.exit(4)")
    assert done["exit_code"] == 4, done


# Other ways to ask.

def test_a_stream(server, py):
    got = list(Events(server, "POST", "/api/v1/execute", body(py, "print('now')\n6 * 7", stream=True)).head())
    assert [event.name for event in got] == ["start", "stdout", "result"]
    last = got[-1].json
    assert (last["result"], last["results"], last["error"]) == ("42", [{"text/plain": "42"}], None)
    assert last["execution_count"] > 0 and "stdout" not in last


def test_in_the_background(server, py):
    cell(server, py, "n = 8")
    answer = server.request("POST", "/api/v1/execute/async", body(py, "n += 1\nn"))
    assert answer.status == 202, answer
    seen = server.get(f"/api/v1/execute/status/{answer.json['execution_id']}?wait=30").json
    assert (seen["status"], seen["result"]["result"], seen["result"]["results"]) == (
        "completed", "9", [{"text/plain": "9"}]), seen
    answer = server.request("POST", "/api/v1/execute/batch", [body(py, "n += 1\nn"), body(py, "n += 1\nn")])
    assert [item["result"] for item in answer.json] == ["10", "11"], answer


def test_a_large_report_is_encoded_beside_the_loop(server, py):
    done = cell(server, py, "from IPython.display import display, HTML\nfor i in range(3): display(HTML('z' * 2_000_000))")
    assert [len(shown["text/html"]) for shown in done["results"]] == [2_000_000] * 3
    seen = server.request("POST", "/api/v1/execute/async", body(py, "for i in range(2): display(HTML('z' * 2_000_000))"))
    seen = server.get(f"/api/v1/execute/status/{seen.json['execution_id']}?wait=30").json
    assert len(seen["result"]["results"]) == 2
    events = Events(server, "GET", f"/api/v1/executions/{done['execution_id']}/events").head()
    if events.status == 200:  # it is still kept
        last = list(events)[-1].json
        assert last["results"] == [] and "larger than 256 KiB" in last["warnings"][-1]


@pytest.fixture
def socket(server):
    one = SocketClient(server, server.any_key)
    yield one
    one.socket.close()


def test_a_websocket_s_input(server, py, socket):
    socket.send(type="start", **body(py, "a = input('a? ')\nb = input('b? ')\na + b"))
    socket.until_text("a? ")
    socket.send(type="stdin", data="for")
    socket.send(type="stdin", data="ty\n")
    socket.until_text("b? ")
    socket.send(type="stdin", data="two\n")
    messages, code = socket.rest()
    assert (messages[-1]["result"], messages[-1]["warnings"], code) == ("'fortytwo'", [], 1000)
    assert result(server, py, "b") == "'two'"


def test_a_websocket_s_signal(server, py, socket):
    cell(server, py, "kept = 5")
    socket.send(type="start", **body(py, SLEEPY))
    socket.until_text("up\n")
    socket.send(type="signal", signal="SIGINT")
    last = socket.rest()[0][-1]
    assert (last["status"], last["error"]["name"], last["warnings"]) == ("failed", "KeyboardInterrupt", [LIVES])
    assert result(server, py, "kept") == "5"


# What is refused.

@pytest.mark.parametrize("fields, detail", [
    ({"session_id": None, "language": "python"}, "kernel: the session has no workspace"),
    ({"session_id": "without", "language": "python"}, "kernel: the session has no workspace"),
    ({"args": ["x"]}, "args: a kernel has none"),
    ({"environment": {"A": "1"}}, "environment: a kernel has the session's"),
    ({"kernel": "yes"}, "kernel: must be true or false"),
])
def test_what_is_wrong(server, py, fields, detail):
    answer = server.post({**body(py, "1"), **fields})
    assert (answer.status, answer.detail) == (400, detail)


def test_a_language_without_a_kernel(server):
    id_ = make(server, "bash")
    answer = server.post(body(id_, "echo"))
    assert (answer.status, answer.detail) == (400, "kernel: Bash does not support it; python and javascript do")


def test_sessions_without_a_kernel(server, py):
    server.run("1", session_id="plain")
    for what in ("interrupt", "restart"):
        answer = steer(server, "plain", what)
        assert (answer.status, answer.detail) == (400, "Session plain has no workspace")
        answer = steer(server, "no-such", what)
        assert (answer.status, answer.detail) == (404, "Session not found")
        answer = steer(server, py, what, key=server.key("other"))
        assert (answer.status, answer.detail) == (404, "Session not found")
        answer = steer(server, py, what, key=server.key("reader", scopes="read"))
        assert answer.status == 403, answer
        assert server.get(f"{SESSIONS}/{py}/{what}").status == 405


def test_another_key_s_kernel(server, py):
    cell(server, py, "secret = 1")
    other = server.key("other")
    answer = server.post(body(py, "secret", language="python"), key=other)
    assert (answer.status, answer.detail) == (400, "kernel: the session has no workspace")  # it is a session of its own


# Sleep and restart, last: they end the kernels of the other tests.

def test_what_did_not_come_back(server, py, js):
    sleeper = make(server)
    cell(server, sleeper, "n = 1")
    others = [make(server) for _ in range(4)]  # one more than may be awake
    for other in others:
        cell(server, other, "1")
    wait_for("it sleeps", lambda: server.get(f"{SESSIONS}/{sleeper}").json["state"] == "asleep")
    done = ask(server, sleeper, "'n' in globals()")
    assert (done["result"], done["warnings"]) == ("False", [
        "The kernel is new: what the one before it held is gone (the workspace slept)."])
    cell(server, sleeper, "n = 2")
    server.stop()
    server.start()
    done = ask(server, sleeper, "'n' in globals()")
    assert (done["result"], done["warnings"]) == ("False", [
        "The kernel is new: what the one before it held is gone (the server was restarted)."])
    assert result(server, sleeper, "1") == "1"
    cell(server, sleeper, "n = 3")
    server.kill()
    server.start()
    done = ask(server, sleeper, "'n' in globals()")
    assert (done["result"], done["warnings"]) == ("False", [
        "The kernel is new: what the one before it held is gone (the server was restarted)."])
