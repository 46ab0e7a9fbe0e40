"""Each example of examples/, as it stands."""
import base64
import functools
import http.server
import json
import re
import socket
import subprocess
import sys
import threading

import pytest

import chromium
import node
from codecell import BIN, ROOT, wait_for
from library import environment, run_python
from stub import kernel_server

EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def user(served):
    return {"url": f"http://{served.address}", "key": served.key("examples", rate=10000)}


def test_every_example_is_listed():
    there = {file.name for file in EXAMPLES.iterdir()} - {"README.md"}
    assert there == set(re.findall(r"\]\((\w+\.\w+)\)", (EXAMPLES / "README.md").read_text()))


class Model(http.server.BaseHTTPRequestHandler):
    """Chat completions: a program with a mistake, the mended one, then what it printed."""
    codes = ["print(undefined)", "print(6 * 7)"]

    def do_POST(self):
        messages = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"]
        read = [message["content"] for message in messages if message["role"] == "tool"]
        message = {"role": "assistant", "content": f"It is {read[-1].strip()}, after {len(read)} programs." if read else None}
        if len(read) < len(self.codes):
            arguments = json.dumps({"code": self.codes[len(read)]})
            message["tool_calls"] = [{"id": str(len(read)), "type": "function",
                                      "function": {"name": "run_python", "arguments": arguments}}]
        self.server.read = read
        body = json.dumps({"choices": [{"message": message}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_openai_tool(library, user):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model) as model:
        threading.Thread(target=model.serve_forever, daemon=True).start()
        said = run_python(library, EXAMPLES / "openai_tool.py", "What is it?", **user,
                          OPENAI_BASE_URL=f"http://127.0.0.1:{model.server_port}")
        model.shutdown()
    assert said == "It is 42, after 2 programs.\n"
    assert "NameError" in model.read[0] and "exit code 1" in model.read[0]


def test_mcp(user):
    """The command of the settings answers a client's first request, and offers its tool."""
    settings = json.loads((EXAMPLES / "mcp.json").read_text())["mcpServers"]["codecell"]
    assert settings["command"] == "codecell" and set(settings["env"]) == {"CODECELL_URL", "CODECELL_KEY"}
    env = {"PATH": "/usr/bin:/bin", "CODECELL_URL": user["url"], "CODECELL_KEY": user["key"]}
    requests = [{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}]
    done = subprocess.run([BIN, *settings["args"]], input="".join(json.dumps(one) + "\n" for one in requests), env=env,
                          capture_output=True, text=True, timeout=30, check=False)
    answers = {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    assert answers[1]["result"]["serverInfo"]["name"] == "codecell" and answers[2]["result"]["tools"]


SUBMISSIONS = {
    "right.py": ("a, b = map(int, input().split())\nprint(a + b)", "AC   3/3"),
    "wrong.py": ("print(3)", "WA   1/3"), "slow.py": ("while True: pass", "TLE  0/3"),
    "greedy.py": ("x = 'a' * 10**9", "MLE  0/3"), "fails.sh": ("exit 1", "RE   0/3"),
    "right.sh": ("read a b; echo $((a + b))", "AC   3/3"), "broken.c": ("int main( {", "CE   0/3"),
    "right.c": ('#include <stdio.h>\nint main(void) { int a, b; scanf("%d %d", &a, &b); printf("%d", a + b); }', "AC   3/3"),
}
MORE = 42  # further right submissions: fifty in all


def test_judge(library, user, tmp_path):
    for name, given, wanted in (("1", "1 2", "3"), ("2", "5 5", "10"), ("3", "-1 1", "0")):
        (tmp_path / f"{name}.in").write_text(given)
        (tmp_path / f"{name}.out").write_text(f"{wanted}\n")
    (tmp_path / "submitted").mkdir()
    expected = {**SUBMISSIONS, **{f"student{i}.sh": SUBMISSIONS["right.sh"] for i in range(MORE)}}
    for name, (code, _) in expected.items():
        (tmp_path / "submitted" / name).write_text(code)
    judge, seconds = tmp_path / "judge.py", "SECONDS, MEMORY_MB = 2,"
    assert seconds in (EXAMPLES / "judge.py").read_text()  # a busy machine takes more for some of 145 programs
    judge.write_text((EXAMPLES / "judge.py").read_text().replace(seconds, "SECONDS, MEMORY_MB = 12,"))
    said = run_python(library, judge, tmp_path, *sorted((tmp_path / "submitted").iterdir()), **user)
    grades = {line.split()[-1]: line for line in said.splitlines()}
    assert len(grades) == 50
    assert [name for name, (_, grade) in expected.items() if not grades[name].startswith(grade + " ")] == []


def listening(command, env):
    """Starts a program whose last argument is a port; (it, the port), once it listens."""
    for _ in range(5):  # another program may take a free port
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        program = subprocess.Popen([*command, str(port)], text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)

        def answers(program=program, port=port):
            with socket.socket() as one:
                return program.poll() is not None or one.connect_ex(("127.0.0.1", port)) == 0
        wait_for("a program that listens", answers)
        if program.poll() is None:
            return program, port
        program.communicate()
    raise AssertionError(f"{command} does not listen")


def test_webhook_receiver(library, user):
    secret = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    receiver, port = listening([sys.executable, EXAMPLES / "webhook_receiver.py"],
                               environment(library, **user, WEBHOOK_SECRET=secret))
    try:
        submit = ("import codecell, sys\n"
                  "job = codecell.Client().submit('echo hooked', 'bash', webhook={'url': sys.argv[1], 'secret': sys.argv[2]})\n"
                  "print(job.execution_id)")
        execution = run_python(library, "-c", submit, f"http://127.0.0.1:{port}/", secret, **user).strip()
        assert receiver.stdout.readline() == f"{execution} completed 'hooked\\n'\n"
    finally:
        receiver.kill()
        receiver.wait()


def test_notebook(library, tmp_path):
    """A value and an error; the cell behind the error does not run."""
    source, target = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    cells = [{"cell_type": kind, "metadata": {}, "source": code, **({"outputs": []} if kind == "code" else {})}
             for kind, code in (("markdown", "# A"), ("code", ["x =", " 41"]), ("code", "x + 1"), ("code", " "), ("code", "1 / 0"),
                                ("code", "x"))]
    source.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    with kernel_server() as stub:
        done = subprocess.run([sys.executable, EXAMPLES / "notebook.py", source, target], text=True, capture_output=True,
                              env=environment(library, stub.url), timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    outputs = [cell.get("outputs") for cell in json.loads(target.read_text())["cells"]]
    assert outputs == [None, [], [{"output_type": "execute_result", "execution_count": 2, "data": {"text/plain": "42"},
                                   "metadata": {}}], [],
                       [{"output_type": "error", "ename": "ZeroDivisionError", "evalue": "division by zero", "traceback": []}], []]


def test_embed(user, tmp_path):
    """The frame shows the link's program and does not run it; a reader with a key does."""
    html = (EXAMPLES / "embed.html").read_text()
    assert "http://localhost:8002/?embed=1#1." in html
    (tmp_path / "embed.html").write_text(html.replace("http://localhost:8002", user["url"]))
    chromium.PICTURES.mkdir(parents=True, exist_ok=True)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as course:
        threading.Thread(target=course.serve_forever, daemon=True).start()
        out = node.run(["node", "embed.mjs", chromium.PICTURES / "embed.png",
                        f"http://127.0.0.1:{course.server_port}/embed.html", user["key"]], chromium.folder())
        course.shutdown()
    program, status, output = json.loads(out.splitlines()[-1])
    assert program.startswith("def fib(n):") and status == "Ready." and output == "0 1 1 2 3 5 8 13 21 34\n"
