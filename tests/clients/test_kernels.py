"""Kernels as users of the command and of the examples have them: `codecell repl` under a terminal, and a notebook."""
import base64
import json
import os
import subprocess
import sys

import pytest

from codecell import BIN, ROOT
from pseudo_terminal import Terminal

UP, INTERRUPT, END = "\x1b[A", "\x03", "\x04"


@pytest.fixture(scope="module")
def key(served):
    return served.key("kernels", rate=1000)


@pytest.fixture
def user(served, key, tmp_path):
    return {"cwd": tmp_path, "env": {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm", "LANG": "C.UTF-8",
                                     "CODECELL_URL": f"http://{served.address}", "CODECELL_KEY": key}}


def workspaces(served, key):
    return [one for one in served.get("/api/v1/sessions", key=key).json["items"] if one["workspace"]]


def test_python(served, key, user):
    with Terminal(["repl", "python"], **user) as terminal:
        terminal.until(">>> ")
        for typed, shown in (("x = 20", ">>> "), ("x * 2 + 2", "\r\n42\r\n>>> "), ("def f():", "... "),
                             ("    return 'äö'", "... "), ("", ">>> "), ("f()", "\r\n'äö'\r\n>>> "),
                             ("print('no end', end='')", "\r\nno end\r\n>>> "), ("1 / 0", "ZeroDivisionError"), ("", ">>> ")):
            terminal.type(f"{typed}\r")
            terminal.until(shown)
        assert [one["language"] for one in workspaces(served, key)] == ["python"]
        terminal.type("import time; print('be' + 'gun', flush=True); time.sleep(60)\r")
        terminal.until("begun\r\n")
        terminal.type(INTERRUPT)
        terminal.until("KeyboardInterrupt")
        terminal.until(">>> ")
        terminal.type("name = input('who' + '? ')\r")
        terminal.until("who? ")
        terminal.type("me\r")
        terminal.until(">>> ")
        terminal.type("not whole (")
        terminal.type(INTERRUPT)
        terminal.until(">>> ")
        terminal.type("name, x\r")
        terminal.until("\r\n('me', 20)\r\n>>> ")
        terminal.type(END)
        assert terminal.end() == 0
    assert workspaces(served, key) == []
    with Terminal(["repl", "python"], **user) as terminal:  # the history is there, and the state is not
        terminal.until(">>> ")
        terminal.type(f"{UP}\r")
        terminal.until("NameError")
        terminal.until(">>> ")
        terminal.type("exit()\r")
        assert terminal.end() == 0
    history = user["cwd"] / ".local/state/codecell/python.history"
    assert history.stat().st_mode & 0o777 == 0o600 and "x * 2 + 2" in history.read_text().replace("\\040", " ")


def test_a_signal_deletes_the_session(served, key, user):
    with Terminal(["repl", "python"], **user) as terminal:
        terminal.until(">>> ")
        terminal.type("print('be' + 'gun', flush=True); input()\r")
        terminal.until("begun\r\n")
        terminal.process.terminate()
        assert terminal.end() == -15
    assert workspaces(served, key) == []


@pytest.mark.parametrize("language, typed, shown", [
    ("python", "x = 20\nfor i in range(2):\n    print(i)\n\nx + 1", "0\n1\n21\n"),
    ("python", "print('a', end='')\n'b'\nfrom IPython.display import HTML, display\ndisplay(HTML('<b>1</b>'), 2)\nNone",
     "a\n'b'\n<IPython.core.display.HTML object>\n2\n"),
    ("javascript", "const x = 20\nconsole.log([\n1]\n)\nx + 1\n.exit\nx\n", "[ 1 ]\n21\n"),
])
def test_a_pipe(served, key, user, language, typed, shown):
    done = subprocess.run([BIN, "repl", language], **user, input=typed, capture_output=True, text=True, timeout=60,
                          check=False)
    assert (done.stdout, done.stderr, done.returncode) == (shown, "", 0)
    assert workspaces(served, key) == []


@pytest.mark.parametrize("arguments, status, sentence", [
    (["ruby"], 2, "ruby has no kernel; python and javascript have one"), ([], 2, "an argument is missing"),
    (["python"], 1, "codecell: Invalid API key\n"),
])
def test_wrong_calls(user, arguments, status, sentence):
    done = subprocess.run([BIN, "repl", *arguments], cwd=user["cwd"], env={**user["env"], "CODECELL_KEY": "cc_wrong"},
                          input="1\n", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status and sentence in done.stderr


def test_a_key_with_less_time(served, user):
    key = served.cli("key", "create", "--name", "short", "--max-timeout", "6").stdout.strip()
    done = subprocess.run([BIN, "repl", "python"], cwd=user["cwd"], env={**user["env"], "CODECELL_KEY": key},
                          input="x = 1\nimport time; time.sleep(60)\nx\n", capture_output=True, text=True, timeout=60,
                          check=False)
    assert (done.stdout, done.returncode) == ("1\n", 0)
    assert "KeyboardInterrupt" in done.stderr and "codecell: Execution failed: container timeout\n" in done.stderr


def test_a_cell_that_is_refused(served, user):
    """The others run. A pipe's user learns it from the exit status, too."""
    env = {**user["env"], "CODECELL_KEY": served.key("slow", rate=1)}
    done = subprocess.run([BIN, "repl", "python"], cwd=user["cwd"], env=env, input="6 * 7\n1\n", capture_output=True,
                          text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("42\n", 1)
    assert done.stderr == "codecell: Rate limit exceeded. Please try again later.\n"


NOTEBOOK = [("markdown", "# Title"), ("code", ["import sys\n", "x = 20"]), ("code", "print('out'); print('bad', file=sys.stderr)\nx + 1"),
            ("code", ""), ("code", "from IPython.display import Markdown, display\ndisplay(Markdown('*m*'))\nNone"),
            ("code", "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nx"), ("code", "1 / 0"), ("code", "x")]


def cell(kind, source):
    return {"cell_type": kind, "metadata": {}, "source": source,
            **({"outputs": [], "execution_count": None} if kind == "code" else {})}


def test_notebook(served, key, library, tmp_path):
    source, target = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    notebook = {"cells": [cell(*one) for one in NOTEBOOK], "metadata": {"language_info": {"name": "python"}},
                "nbformat": 4, "nbformat_minor": 5}
    source.write_text(json.dumps(notebook))
    run = [sys.executable, ROOT / "examples/notebook.py", source, target]
    env = {**os.environ, "PYTHONPATH": str(library), "CODECELL_URL": f"http://{served.address}", "CODECELL_KEY": key}
    done = subprocess.run(run, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stderr  # a cell has failed
    cells = json.loads(target.read_text())["cells"]
    assert [one.get("execution_count") for one in cells] == [None, 1, 2, None, 3, 4, 5, None]
    assert cells[2]["outputs"] == [
        {"output_type": "stream", "name": "stdout", "text": "out\n"},
        {"output_type": "stream", "name": "stderr", "text": "bad\n"},
        {"output_type": "execute_result", "execution_count": 2, "data": {"text/plain": "21"}, "metadata": {}}]
    [shown] = cells[4]["outputs"]
    assert shown["output_type"] == "display_data" and shown["data"]["text/markdown"] == "*m*"
    kinds = {one["output_type"]: one for one in cells[5]["outputs"]}
    assert kinds["execute_result"]["data"] == {"text/plain": "20"}
    assert base64.b64decode(kinds["display_data"]["data"]["image/png"]).startswith(b"\x89PNG")
    error = cells[6]["outputs"][-1]
    assert (error["output_type"], error["ename"], error["evalue"]) == ("error", "ZeroDivisionError", "division by zero")
    assert "ZeroDivisionError" in error["traceback"][-1] and cells[7]["outputs"] == []
    assert workspaces(served, key) == []
