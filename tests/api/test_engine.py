"""An engine that goes and comes back, on an engine of the test's own; and a server without one."""
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from codecell import docker, wait_for

ONE = {"CODECELL_POOL": "bash=2,*=0"}


class Engine:
    """A Docker Engine with a socket and a root of its own, holding the image of bash."""

    def __init__(self, folder):
        self.folder, self.socket, self.process = folder, folder / "e.sock", None
        self.host = f"unix://{self.socket}"

    def start(self):
        # In a network namespace of its own: with "--bridge none" it would delete docker0 of the machine's engine.
        self.process = subprocess.Popen(
            ["unshare", "--net", "dockerd", "--data-root", self.folder / "root", "--exec-root", self.folder / "exec",
             "-H", self.host, "--bridge", "none", "--iptables=false", "--ip6tables=false",
             "--pidfile", self.folder / "pid", "--log-level", "warn"], stdout=subprocess.DEVNULL, stderr=open(self.folder / "log", "ab"))
        wait_for("the engine", self.answers)

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        return subprocess.run(["docker", "-H", self.host, "version"], capture_output=True, check=False).returncode == 0

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(90)
        # A killed engine leaves the file that names its containerd, which is dead, too. Until that process is reaped,
        # the next engine would wait for it.
        (self.folder / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)

    def left(self):
        """Processes that were started for this engine."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if str(self.folder) in Path(f"/proc/{pid}/cmdline").read_text():
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def load(self, image):
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
            subprocess.run(["docker", "-H", self.host, "load"], stdin=saved.stdout, capture_output=True, check=True)


@pytest.fixture(scope="module")
def engine():
    folder = Path("/var/tmp") / f"codecell-engine-{os.getpid()}"  # its root needs a file system that overlay accepts
    folder.mkdir()
    one = Engine(folder)
    try:
        one.start()
        one.load("codecell/bash")
        yield one
        left = docker("ps", "-aq", host=one.host).split()
        assert left == [], "containers left behind"
    finally:
        if one.process and one.process.poll() is None:
            one.stop()
        for pid in one.left():  # shims of the engine that was killed
            os.kill(pid, signal.SIGKILL)
        subprocess.run(["umount", "-R", folder / "root"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def is_ready(server):
    return server.get("/ready", key=None).status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_an_engine_that_restarts_is_used_again(launch, engine, number):
    server = launch(ONE, languages=["bash"], engine=engine.host)
    assert server.output("echo before", "bash") == "before\n"
    pid = server.pid
    engine.stop(number)
    wait_for("unready", lambda: not is_ready(server))
    answer = server.execute("echo no", "bash")
    assert answer.status == 503 and int(answer.header("Retry-After")) >= 1, answer
    assert "/" not in answer.detail.replace("and/or", "") and "sock" not in answer.detail
    assert server.get("/health", key=None).status == 200
    engine.start()
    wait_for("ready again", lambda: is_ready(server))
    assert wait_for("an answer", lambda: served(server))
    assert server.pid == pid and server.process.poll() is None
    wait_for("its pool again", lambda: len(server.containers(running=True)) == 2)
    server.stop()


def served(server):
    answer = server.execute("echo after", "bash")
    return answer.status == 200 and answer.json["stdout"] == "after\n"


def test_an_engine_that_goes_under_a_running_program(launch, engine):
    server = launch(ONE, languages=["bash"], engine=engine.host)
    running = server.begin("sleep 300", "bash")
    server.wait_status("running")
    engine.stop()
    answer = running.answer()
    assert answer.status in (500, 503) and answer.detail, answer
    assert engine.host not in answer.detail and "docker" not in answer.detail.lower()
    engine.start()
    wait_for("an answer", lambda: served(server))
    server.stop()


def test_a_server_that_starts_before_its_engine(launch, engine):
    engine.stop()
    server = launch(ONE, languages=["bash"], engine=engine.host, ready=False)
    assert server.get("/health", key=None).status == 200
    assert server.get("/ready", key=None).status == 503
    answer = server.execute("echo no", "bash")
    assert answer.status == 503 and answer.header("Retry-After"), answer
    engine.start()
    wait_for("ready", lambda: is_ready(server))
    wait_for("an answer", lambda: served(server))
    server.stop()


def test_a_server_that_ends_without_its_engine(launch, engine):
    server = launch({**ONE, "CODECELL_DRAIN": 1}, languages=["bash"], engine=engine.host)
    engine.stop()
    wait_for("unready", lambda: not is_ready(server))
    server.signal(signal.SIGTERM)
    assert server.ended() == 0
    engine.start()
    server.start()  # it removes what the last one could not
    wait_for("an answer", lambda: served(server))
    server.stop()


def test_an_engine_that_does_not_answer(launch, engine):
    """A stopped process accepts connections and answers nothing. Requests that do not need the engine are served at once: a
    program, which needs it, still waits then."""
    server = launch({"CODECELL_POOL": "*=0"}, languages=["bash"], engine=engine.host)
    engine.process.send_signal(signal.SIGSTOP)
    try:
        waiting = server.begin("echo 1", "bash", timeout=60)
        assert server.get("/health", key=None).status == 200
        assert server.get("/api/v1/executions").status == 200
        assert not waiting.done
    finally:
        engine.process.send_signal(signal.SIGCONT)
    assert waiting.answer().status in (200, 500, 503)
    wait_for("an answer", lambda: served(server))
    server.stop()


def test_without_the_image_there_is_no_language(launch, engine):
    server = launch(ONE, languages=["bash"], engine=engine.host)
    assert server.get("/api/v1/execute/languages", key=None).json == ["bash"]
    answer = server.execute("print(1)")
    assert (answer.status, answer.detail) == (400, "Unsupported language: python. Supported languages: bash")
    server.stop()
