"""`codecell run -i`: a program on the server has the user's terminal."""
import os
import signal
import subprocess

import pytest

from codecell import BIN
from pseudo_terminal import Terminal

PROMPT = "import os, sys; os.execv(sys.executable, [sys.executable, '-i', '-q'])"
# Without the editor and the colours of newer versions, what is shown is what was printed.
PLAIN = ["--env", "PYTHON_BASIC_REPL=1", "--env", "PYTHON_COLORS=0"]


@pytest.fixture(scope="module")
def user(served, tmp_path_factory):
    folder = tmp_path_factory.mktemp("terminal")
    (folder / "prompt.py").write_text(PROMPT)
    (folder / "three.sh").write_text("exit 3")
    (folder / "sleep.sh").write_text("trap '' INT; echo ready; sleep 60")
    return {"cwd": folder, "env": {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm-256color",
                                   "CODECELL_URL": f"http://{served.address}",
                                   "CODECELL_KEY": served.key("terminal", rate=1000)}}


def test_python_at_its_prompt(user):
    with Terminal(["run", "-i", *PLAIN, "prompt.py"], **user) as terminal:
        terminal.until(">>> ")
        assert terminal.is_raw()
        terminal.type("import os, time; 6 * 7\r")
        terminal.until("\r\n42\r\n>>> ")
        terminal.type("time.sleep(60)\r")
        terminal.until("\r\n")
        terminal.type("\x03")
        terminal.until("KeyboardInterrupt\r\n>>> ")
        terminal.type("'Zürich ' * 2\r")
        terminal.until("'Zürich Zürich '\r\n>>> ")
        terminal.type("tuple(os.get_terminal_size())\r")
        terminal.until("(80, 24)\r\n>>> ")
        terminal.resize(101, 33)
        terminal.type("while os.get_terminal_size().columns == 80: time.sleep(0.01)\r\r")
        terminal.until(">>> ")
        terminal.type("tuple(os.get_terminal_size())\r")
        terminal.until("(101, 33)\r\n>>> ")
        terminal.type("raise SystemExit(7)\r")
        assert terminal.end() == 7


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGABRT])
def test_a_signal_ends_it(user, number):
    """It ends by the same signal, and the program ends with it."""
    with Terminal(["run", "-i", "sleep.sh"], **user) as terminal:
        terminal.until("ready")
        os.kill(terminal.process.pid, number)
        assert terminal.end() == -number


def test_it_stops_and_goes_on(user):
    with Terminal(["run", "-i", *PLAIN, "prompt.py"], **user) as terminal:
        terminal.until(">>> ")
        os.kill(terminal.process.pid, signal.SIGTSTP)
        assert os.WIFSTOPPED(os.waitpid(terminal.process.pid, os.WUNTRACED)[1])
        assert not terminal.is_raw()
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.type("1 + 1\r")
        terminal.until("2\r\n>>> ")
        terminal.type("\x04")
        assert terminal.end() == 0


@pytest.mark.parametrize("language, typed, shown", [("bash", "echo $((6 * 7))\r", "42\r\n"),
                                                    ("python", "6 * 7\r", "42"),
                                                    ("javascript", "6 * 7\r", "42")])
def test_a_prompt_without_a_program(user, language, typed, shown):
    with Terminal(["run", "-i", "--language", language], **user) as terminal:
        prompt = "> " if language != "bash" else "$ "
        terminal.until(prompt)
        terminal.type(typed)
        terminal.until(shown)
        terminal.until(prompt)  # between two prompts the terminal is not raw, and the end would get lost
        terminal.type("\x04")
        assert terminal.end() == 0


def test_a_program_that_is_too_slow(user):
    with Terminal(["run", "-i", "--timeout", "1", "sleep.sh"], **user) as terminal:
        terminal.until("codecell: Execution failed: container timeout")
        assert terminal.end() == 124


@pytest.mark.parametrize("arguments, status, sentence", [
    (["-i", "prompt.py"], 2, "-i needs a terminal, and standard input is none"),
    (["-i"], 2, "-i needs a FILE or a --language"), (["-i", "--json", "prompt.py"], 2, "-i and --json"),
    (["-i", "-"], 2, "cannot hold the program"), (["-x", "prompt.py"], 2, "unknown option: -x"),
])
def test_wrong_calls(user, arguments, status, sentence):
    done = subprocess.run([BIN, "run", *arguments], **user, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == status and sentence in done.stderr


@pytest.mark.parametrize("changed, sentence", [({"CODECELL_KEY": "cc_wrong"}, "codecell: Invalid API key"),
                                               ({"CODECELL_URL": "http://127.0.0.1:9"}, "codecell: http://127.0.0.1:9: ")])
def test_no_server(user, changed, sentence):
    with Terminal(["run", "-i", "prompt.py"], user["env"] | changed, user["cwd"]) as terminal:
        terminal.until(sentence)
        assert terminal.end() == 125


def test_a_key_with_less_time(served, user):
    """It gets the time that it may have; and a terminal shows more than the usual output."""
    key = served.cli("key", "create", "--name", "short", "--max-timeout", "1").stdout.strip()
    with Terminal(["run", "-i", "sleep.sh"], user["env"] | {"CODECELL_KEY": key}, user["cwd"]) as terminal:
        terminal.until("codecell: Execution failed: container timeout")
        assert terminal.end() == 124
    with Terminal(["run", "-i", "--language", "bash"], **user) as terminal:
        terminal.until("$ ")
        terminal.type("seq 300000 | tr -d '\\n'; echo en''d\r")
        terminal.until("end\r\n")
        terminal.type("yes\r")
        terminal.until("y\r\ny\r\n")
        terminal.type("\x03")  # which is heard in a flood, too
        terminal.until("^C")
        terminal.type("exit 4\r")
        assert terminal.end() == 4


def test_a_refusal(served, user):
    """The server says why in a message, before it closes."""
    env = {**user["env"], "CODECELL_KEY": served.key("slow", rate=1)}
    for said, status in (("", 3), ("codecell: Rate limit exceeded. Please try again later.\r\n", 125)):
        with Terminal(["run", "-i", "three.sh"], env, user["cwd"]) as terminal:
            terminal.until(said)
            assert terminal.end() == status
