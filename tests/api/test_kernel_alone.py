"""The drivers of kernels (images/languages/python/kernel.py, images/languages/javascript/kernel.cjs) without a server and
without a container: the test plays the agent. Python is this machine's, Node.js is the image's."""
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from codecell import docker
from kernel import Kernel

LANGUAGES = Path(__file__).resolve().parents[2] / "images" / "languages"


@pytest.fixture(scope="module")
def python_argv(tmp_path_factory):
    folder = tmp_path_factory.mktemp("python") / "lib"
    shutil.copytree(LANGUAGES / "python", folder)
    subprocess.run([sys.executable, folder / "compile-drivers.py"], check=True)
    return [sys.executable, str(folder / "kernel.pyc")]


@pytest.fixture(scope="module")
def node_argv(tmp_path_factory):
    folder = tmp_path_factory.mktemp("javascript")
    container = docker("create", "codecell/javascript", "true").strip()
    for file in "/usr/local/bin/node", "/usr/lib/codecell/acorn.cjs":
        docker("cp", f"{container}:{file}", str(folder))
    docker("rm", container)
    for file in (LANGUAGES / "javascript").glob("kernel*.cjs"):
        shutil.copy(file, folder)
    node = str(folder / "node")
    subprocess.run([node, "-e", f"require('{folder}/kernel-cell.cjs').keepCompiled()"], check=True)
    flags = json.loads((LANGUAGES / "javascript/language.json").read_text(encoding="utf-8"))["kernel"]["argv"]
    return [node, *[word for word in flags[1:-1] if "memory_mb" not in word], str(folder / "kernel.cjs")]


def started(argv, folder, name):
    kernel = Kernel(argv, folder, name)
    yield kernel
    kernel.close()


@pytest.fixture(scope="module")
def used_python(python_argv, tmp_path_factory):
    """One for many tests."""
    yield from started(python_argv, tmp_path_factory.mktemp("work"), "main.py")


@pytest.fixture(scope="module")
def used_node(node_argv, tmp_path_factory):
    yield from started(node_argv, tmp_path_factory.mktemp("work"), "main.js")


@pytest.fixture
def python(python_argv, tmp_path):
    yield from started(python_argv, tmp_path, "main.py")


@pytest.fixture
def node(node_argv, tmp_path):
    yield from started(node_argv, tmp_path, "main.js")


def values(kernel, *cells):
    """The result of the last of some cells, none of which may fail."""
    for code in cells:
        answer = kernel.run(code)
        assert (answer.exit_code, answer.error, answer.err, answer.notes) == (0, None, "", [])
    return answer.result


def interrupted(kernel, code, after="go"):
    """A cell that is interrupted when it has printed a word."""
    kernel.start(code)
    answer = kernel.finish(until=lambda answer: after in answer.out)
    kernel.interrupt()
    return kernel.finish(answer=answer)


# Both.

def test_messages_of_a_cell(python, node):
    for kernel in python, node:
        answer = kernel.run("1 + 1")
        assert [kind for kind, _ in answer.messages] == [5, 2, 1]
        assert (answer.count, answer.result, answer.results, answer.lasts, answer.exit_code) == (
            1, "2", [{"text/plain": "2"}], [1], 0)
        assert (kernel.run("").count, kernel.run("").result) == (2, None)


def test_a_cell_comes_in_pieces(python, node):
    for kernel in python, node:
        code = b"1 + 1\n" + b"#"[:kernel is python] * 300_000
        if kernel is node:
            code += b"//" + b"x" * 300_000
        feeder = threading.Thread(target=kernel.start, args=(code,))
        feeder.start()
        answer = kernel.finish()
        feeder.join()
        assert answer.result == "2"


def test_what_is_too_large_is_cut_or_left_out(python, node):
    for kernel, text in (python, "'é' * 100"), (node, "'é'.repeat(100)"):
        answer = kernel.run(text, result_max=52)
        assert answer.result == "'" + "é" * 25 and answer.results == [{"text/plain": answer.result}]
        assert answer.notes == ["The result of 202 bytes is cut at 52 bytes",
                                "The value's text/plain of 202 bytes is cut at 52 bytes"]
    for kernel, code in (python, "for _ in range(9): display('x' * 1000)"), (
            node, "for (let i = 0; i < 9; i++) display('x'.repeat(1000))"):
        answer = kernel.run(code, total_max=4000)
        assert len(answer.results) == 2
        assert answer.notes == ["Further values were left out: they are too many or too large"]
        answer = kernel.run(code.replace("9", "300").replace("1000", "1"))
        assert (len(answer.results), len(answer.notes)) == (256, 1)
    for kernel, code in (python, "class A:\n def _repr_html_(self): return 'x' * 2000\n def __repr__(self): return 'A'\nA()"), (
            node, "({ [Symbol.for('Jupyter.display')]: () => ({ 'text/plain': 'A', 'text/html': 'x'.repeat(2000) }) })"):
        answer = kernel.run(code, result_max=1000)
        assert answer.results == [{"text/plain": "A"}]
        assert answer.notes == ["The value's text/html of 2.0 kB was left out: at most 1.0 kB"]


def test_no_process_that_a_cell_starts_has_the_channel(python, node):
    listing = "[f.rsplit(' ', 1)[-1] for f in __import__('subprocess').getoutput('ls -l /proc/self/fd').split('\\n')]"
    assert "socket" not in values(python, listing)
    code = "require('child_process').execFileSync('ls', ['-l', '/proc/self/fd'], { stdio: [0, 'pipe', 2] }).toString()"
    channel = os.readlink(f"/proc/{node.process.pid}/fd/3")
    assert channel.startswith("socket:") and channel not in values(node, code)
    assert values(python, "import os; os.environ.get('CODECELL_KERNEL')") is None
    assert values(node, "process.env.CODECELL_KERNEL") is None


def test_interrupts_between_cells_are_nothing(python, node):
    for kernel in python, node:
        kernel.run("1")
        for _ in range(20):
            kernel.interrupt()
        kernel.run("1")  # Node's own thread may tell an interrupt late, once this cell runs
        assert values(kernel, "2") == "2"


def test_the_kernel_ends_with_the_channel(python, node):
    for kernel in python, node:
        kernel.run("1")
        kernel.channel.close()
        kernel.process.wait(20)


def test_output_of_a_cell_is_there_before_its_end(python, node):
    for kernel, code in (python, "print('x' * 200_000, end='')"), (node, "process.stdout.write('x'.repeat(200000)); 1"):
        assert len(kernel.run(code).stdout) == 200_000


def test_a_cell_may_change_what_the_driver_uses(python, node):
    code = "import builtins, io, json, os, sys\nbuiltins.len = builtins.repr = io.open = os.write = json.dumps = None\n6"
    assert values(python, code, "7") == "7"
    code = "JSON.stringify = Buffer.concat = Promise.prototype.then = Math.min = setImmediate = setInterval = null; 6"
    assert values(node, code, "7") == "7"


# Python.

def test_python_keeps_its_state(python):
    assert values(python, "x = 2", "x + 1") == "3"
    assert values(python, "_ + 1") == "4"
    assert values(python, "import math", "def f(n):\n    return math.factorial(n) + x", "f(3)") == "8"
    assert values(python, "from __future__ import annotations", "def g(a: unknown): ...", "g.__annotations__") == (
        "{'a': 'unknown'}")


@pytest.mark.parametrize("code,result", [
    ("x = 5", None), ("None", None), ("5;", None), ("(5) ; # no", None), ("5 # ;", "5"), ("if 1:\n    5", None),
    ("'é\\ud800'", "'é\\ud800'"), ("\ufeff7", "7"), ("1\r\n2", "2"),
    ("__name__, __import__('sys').argv, __import__('sys').path[0]", "('__main__', [''], '')"),
    ("import pickle, dataclasses\n@dataclasses.dataclass\nclass P:\n    a: int\npickle.loads(pickle.dumps(P(1)))", "P(a=1)"),
    ("import __main__\ny = 3\n__main__.y", "3"),
    ("import inspect, sys\nlen(inspect.stack()), sys._getframe().f_back", "(1, None)"),
    ("import os\nif os.fork() == 0:\n    os._exit(3)\nos.wait()[1] >> 8", "3"),
    ("import os, sys\nif os.fork() == 0:\n    sys.exit(4)\nos.wait()[1] >> 8", "4"),
    ("import multiprocessing\nwith multiprocessing.Pool(2) as pool:\n    n = pool.map(abs, [-1, -2])\nn", "[1, 2]"),
    ("import sys\nsys.settrace(lambda *event: print(event[1]))\nsys.settrace(None)\n7", "7"),
])
def test_python_values(used_python, code, result):
    assert values(used_python, code) == result
    assert values(used_python, "8") == "8"


def test_python_shows_rich_values(python):
    code = """\
class A:
    def __repr__(self): return "<A>"
    def _repr_html_(self): return "<b>é</b>", {"a": "metadata"}
    def _repr_png_(self): return b"\\x89PNG"
    def _repr_jpeg_(self): return b"the same again"
    def _repr_json_(self): return {"a": [1]}
    def _repr_latex_(self): return None
A()"""
    rich = {"text/plain": "<A>", "text/html": "<b>é</b>", "image/png": "iVBORw==", "application/json": '{"a": [1]}'}
    answer = python.run(code)
    assert (answer.results, answer.lasts, answer.result) == ([rich], [1], "<A>")
    answer = python.run("display(A(), 'b')\nprint('c')")
    assert (answer.results, answer.lasts, answer.result) == ([rich, {"text/plain": "'b'"}], [0, 0], None)
    answer = python.run("from IPython.display import HTML, Image, JSON, Latex, Markdown, SVG, clear_output, display\n"
                        "display({'text/x': 'raw'}, raw=True)\ndisplay(HTML('<i>'), include=['text/html'])\nJSON([1])")
    assert answer.results == [{"text/x": "raw"}, {"text/html": "<i>"},
                              {"text/plain": "<IPython.core.display.JSON object>", "application/json": "[1]"}]
    answer = python.run("class B:\n    def _repr_mimebundle_(self, include=None, exclude=None):\n"
                        "        return {'text/plain': 'B', 'application/vnd.x+json': {'n': 1}, 'image/gif': b'GIF'}\nB()")
    assert answer.results == [{"text/plain": "B", "application/vnd.x+json": '{"n": 1}', "image/gif": "R0lG"}]
    answer = python.run("class C:\n    def _repr_html_(self): return 1 / 0\n    def __repr__(self): return 'C'\nC()")
    assert (answer.results, answer.exit_code) == ([{"text/plain": "C"}], 0)
    assert "ZeroDivisionError" in answer.err and "display.py" not in answer.err
    assert python.run("from unittest.mock import MagicMock\nMagicMock()").results[0].keys() == {"text/plain"}
    assert python.run("A").results == [{"text/plain": "<class '__main__.A'>"}]


def test_python_shows_figures(python, tmp_path):
    """With a stand-in for Matplotlib, which this machine may not have."""
    for name, text in {
        "__init__.py": "", "figure.py": "class Figure: axes = [1]",
        "_pylab_helpers.py": "class Gcf:\n    all = []\n    @classmethod\n    def get_all_fig_managers(cls): return cls.all",
        "pyplot.py": """\
from types import SimpleNamespace
from matplotlib._pylab_helpers import Gcf
from matplotlib.figure import Figure
def figure():
    made = Figure()
    made.canvas = SimpleNamespace(figure=made, print_png=1, print_figure=lambda file, **_: file.write(b"PNG"))
    made.dpi, made.get_facecolor, made.get_edgecolor = 100, str, str
    Gcf.all.append(SimpleNamespace(canvas=made.canvas, num=len(Gcf.all)))
    return made
def show(): raise SystemError
def close(what): Gcf.all.clear()
"""}.items():
        (tmp_path / "matplotlib").mkdir(exist_ok=True)
        (tmp_path / "matplotlib" / name).write_text(text, encoding="utf-8")
    png = "UE5H"
    answer = python.run("import matplotlib.pyplot as plt\nplt.figure()\nplt.show()\ndisplay(1)\nplt.figure();")
    assert [bundle.get("image/png") for bundle in answer.results] == [png, None, png]
    assert python.run("plt.figure()").lasts == [1]  # once
    answer = python.run("plt.figure()\n1 / 0")
    assert (len(answer.results), answer.exit_code) == (1, 1)
    assert python.run("1").results == [{"text/plain": "1"}]


def test_python_awaits(python):
    assert values(python, "import asyncio\nawait asyncio.sleep(0, 5)") == "5"
    assert values(python, "async def later():\n    await asyncio.sleep(0.01)\n    return 6\n"
                          "async def start():\n    global task\n    task = asyncio.create_task(later())\nawait start()",
                  "await task") == "6"
    assert values(python, "asyncio.run(later())") == "6"
    assert values(python, "x = [await later()]\nx") == "[6]"
    answer = python.run("async def bad():\n    1 / 0\nawait bad()")
    assert answer.err == answer.error[2]
    assert [line for line in answer.err.split("\n") if line.startswith("  File")] == [
        '  File "main.py[6]", line 3, in <module>', '  File "main.py[6]", line 2, in bad']


def test_python_tells_of_exceptions(python):
    values(python, "def divide():\n    return 1 / 0")
    answer = python.run("# a comment\ndivide()", name="other.py")
    assert (answer.exit_code, answer.error[:2], answer.err) == (1, ("ZeroDivisionError", "division by zero"), answer.error[2])
    lines = [line for line in answer.err.split("\n") if not set(line) <= set(" ~^")]
    assert lines == ["Traceback (most recent call last):", '  File "other.py[2]", line 2, in <module>', "    divide()",
                     '  File "main.py[1]", line 2, in divide', "    return 1 / 0", "ZeroDivisionError: division by zero"]
    answer = python.run("x = (1,")
    assert answer.error[0] == "SyntaxError" and answer.err.startswith('  File "main.py[3]", line 1\n    x = (1,\n')
    answer = python.run("class R:\n    def __repr__(self): return 1 / 0\nR()")
    assert (answer.result, answer.error[0]) == (None, "ZeroDivisionError") and "kernel" not in answer.err
    assert python.run("import traceback\ntry: divide()\nexcept Exception: traceback.print_exc()").err.count("main.py[") == 2
    assert "    def divide" in python.run("import inspect\nprint('    ' + inspect.getsource(divide))").out
    assert python.run("import warnings; warnings.warn('old')").err == (
        "main.py[7]:1: UserWarning: old\n  import warnings; warnings.warn('old')\n")
    answer = python.run("class E(Exception):\n    def __str__(self): raise ValueError\nraise E")
    assert answer.error[:2] == ("E", "<exception str() failed>")
    assert python.run("import sys\nsys.last_value").result.startswith("E(")


@pytest.mark.parametrize("code,exit_code,name,stderr", [
    ("import sys\nsys.exit()", 0, None, ""), ("raise SystemExit(0)", 0, None, ""),
    ("import sys\nsys.exit(3)", 3, "SystemExit", ""), ("exit(259)", 3, "SystemExit", ""),
    ("import sys\nsys.exit('bye')", 1, "SystemExit", "bye\n"),
])
def test_python_exits_end_the_cell(used_python, code, exit_code, name, stderr):
    answer = used_python.run(code)
    assert (answer.exit_code, answer.error and answer.error[0], answer.err) == (exit_code, name, stderr)
    assert values(used_python, "9") == "9"


def test_python_reads_standard_input(python):
    assert python.run("input('? ')", stdin=b"a\nb\n").result == "'a'"
    answer = python.run("input()")
    assert answer.error[0] == "EOFError"
    assert values(python, "import sys, os") is None
    assert python.run("sys.stdin.read()", stdin=b"c").result == "'c'"
    assert python.run("sys.stdin.close(); os.close(0)").exit_code == 0
    assert python.run("sys.stdin.readline(), sys.stdin.name", stdin=b"d").result == "('d', '<stdin>')"
    assert python.run("sys.stdout.close()\nos.close(1)").exit_code == 0
    assert python.run("print('still')").out == "still\n"


def test_python_makes_the_streams_block_again(python):
    """An event loop that reads stdin makes it non-blocking."""
    assert python.run("import os, sys\nfor each in 0, 1, 2: os.set_blocking(each, False)").exit_code == 0
    assert python.run("print(*map(os.get_blocking, range(3)))").out == "True True True\n"


def test_python_has_input_where_its_folder_is_gone(python):
    assert python.run("import os\nos.mkdir('gone')\nos.chdir('gone')\nos.rmdir('../gone')", stdin=b"a").exit_code == 0
    assert python.run("input()", stdin=b"b\n").result == "'b'"


@pytest.mark.parametrize("code, told", [
    ("%matplotlib inline\n1", True), ("%%time\n1", True), ("files = !ls", True), ("len?", True), ("x = = 1", False),
    ("5 % 3", False), ("print('%')", False),
])
def test_python_tells_of_lines_for_ipython(used_python, code, told):
    sentence = "Lines with %, ! and ? are IPython's, and this kernel runs plain Python"
    answer = used_python.run(code)
    assert answer.notes == ([sentence] if told else [])
    assert (answer.error is not None and answer.error[0] == "SyntaxError") == (told or code == "x = = 1")


@pytest.mark.parametrize("code", [
    "print('go')\nwhile True: pass",
    "import time\nprint('go')\ntime.sleep(60)",
    "import asyncio\nprint('go')\nawait asyncio.sleep(60)",
    "import asyncio\nawait asyncio.sleep(0)\nprint('go')\nwhile True: pass",
    "class A:\n    def __repr__(self):\n        print('go')\n        while True: pass\nA()",
    "while True:\n    display(1)\n    print('go')",
])
def test_python_interrupts(used_python, code):
    answer = interrupted(used_python, code)
    assert (answer.exit_code, answer.error[:2]) == (1, ("KeyboardInterrupt", ""))
    assert answer.err.endswith("KeyboardInterrupt\n") and "kernel" not in answer.err
    assert values(used_python, "10") == "10"


# JavaScript.

def test_node_keeps_its_state(node):
    assert values(node, "const x = 2", "const x = 3; let y", "let y = 1; class A { m() { return x } }", "x + new A().m()") == "6"
    assert values(node, "function f() { return g() }\nfunction g() { return x }", "f()") == "3"
    assert values(node, "var { a, b: [c] } = { a: 1, b: [2] }", "[a, c]") == "[ 1, 2 ]"


@pytest.mark.parametrize("code,result", [
    ("undefined", None), ("if (true) 5", None), ("x = 8", "8"), ("5;", "5"), ("'use strict'; 'a'", "'a'"), ("010", "8"),
    ("await 5", "5"), ("Promise.resolve(6)", "6"), ("({ a: 1 })", "{ a: 1 }"), ("with ({ a: 1 }) a", None),
    ("const v = await 1\nfunction f() { return v }\nclass B {}\nfor (var i = 0; i < 3; i++) await i;\n[v, f(), i, new B()]",
     "[ 1, 1, 3, B {} ]"),
    ("const { p, ...rest } = await { p: 1, q: 2 };\n[p, rest]", "[ 1, { q: 2 } ]"),
    ("let n = 0\nfor await (const e of [1, 2]) { var inner = e; n += e }\n[n, inner]", "[ 3, 2 ]"),
    ("export const e = 4\nexport default function named() { return e }\nnamed()", "4"),
    ("const crypto = require('crypto'), fetch = 1, performance = 2; [typeof crypto.createHash, fetch, performance]",
     "[ 'function', 1, 2 ]"),
    ("require.main === module", "true"),
    ("await new Promise((done) => setTimeout(done, 1)); typeof import.meta.url", "'string'"),
    ("new Error('x').stack.includes('kernel')", "false"),
])
def test_node_values(used_node, code, result):
    assert values(used_node, code) == result
    assert values(used_node, "8") == "8"


def test_node_declares_what_an_await_is_beside(node):
    values(node, "const v = await 1\nfunction f() { return v }\nclass B {}\nlet u\nif (v) { var w = 2 }")
    assert values(node, "[v, f(), new B(), u, w]") == "[ 1, 1, B {}, undefined, 2 ]"


def test_node_imports(node, tmp_path):
    (tmp_path / "m.mjs").write_text("export const a = 5; export default 7;\n", encoding="utf-8")
    (tmp_path / "c.js").write_text("exports.q = 8;\n", encoding="utf-8")
    assert values(node, "import fs, { readFileSync } from 'fs'\nimport seven, { a as five } from './m.mjs'\n"
                        "import * as all from './m.mjs'; import { q } from './c.js'\n"
                        "[fs.readFileSync === readFileSync, seven, five, all.a, q]") == "[ true, 7, 5, 5, 8 ]"
    assert values(node, "five + (await import('./m.mjs')).default + require('./c.js').q") == "20"
    answer = node.run("import { nothing } from './m.mjs'")
    assert answer.error[:2] == ("SyntaxError", "The requested module './m.mjs' does not provide an export named 'nothing'")
    assert node.run("import 'nowhere'").error[1].startswith("Cannot find package 'nowhere'")


def test_node_shows_rich_values(node):
    answer = node.run("display({ 'text/html': '<b>' }, { raw: true }); display([1]);\n"
                      "({ [Symbol.for('Jupyter.display')]: async () => ({ 'text/markdown': '# é', 'application/json': [1] }),\n"
                      "   [Symbol.for('nodejs.util.inspect.custom')]: () => 'text' })")
    assert answer.results == [{"text/html": "<b>"}, {"text/plain": "[ 1 ]"},
                              {"text/plain": "text", "text/markdown": "# é", "application/json": "[1]"}]
    assert (answer.lasts, answer.result) == ([0, 0, 1], "text")
    assert node.run("new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])").results[0]["image/png"] == (
        "iVBORw0KGgo=")
    assert node.run("({ outerHTML: '<p>' })").results[0]["text/html"] == "<p>"


def test_node_tells_of_exceptions(node):
    values(node, "function divide() {\n  null.x\n}")
    answer = node.run("// a comment\ndivide()", name="other.js")
    assert answer.error[:2] == ("TypeError", "Cannot read properties of null (reading 'x')")
    assert answer.err == answer.error[2] + "\n"
    assert answer.err.split("\n")[:4] == ["main.js[1]:2", "  null.x", "       ^", ""]
    assert "at divide (main.js[1]:2:8)\n    at other.js[2]:2:1\n" in answer.err
    assert node.run("throw 'text'").error == ("string", "'text'", "Uncaught 'text'")
    assert node.run("1 +").error[:2] == ("SyntaxError", "Unexpected end of input")
    assert node.run("await x; const = 5").error[:2] == ("SyntaxError", "Unexpected token '='")
    assert node.run("const a = 1; const a = 2").error[1] == "Identifier 'a' has already been declared"
    answer = node.run("async function m() {\n  await 1\n  throw new RangeError('deep')\n}\nm()")
    assert answer.error[0] == "RangeError" and "    at m (main.js[7]:3:9)" in answer.err and "kernel" not in answer.err
    answer = node.run("Promise.reject(new Error('unhandled')); 5")
    assert (answer.result, answer.exit_code, answer.error[1]) == ("5", 1, "unhandled")
    answer = node.run("setTimeout(() => { throw new Error('timer') }, 1); await new Promise((done) => setTimeout(done, 20)); 6")
    assert (answer.result, answer.exit_code, answer.error[1]) == ("6", 1, "timer")
    assert node.run("({ get [Symbol.toStringTag]() { throw new Error('told') } })").exit_code in (0, 1)
    assert values(node, "7") == "7"


@pytest.mark.parametrize("code,exit_code", [
    ("process.exit(3)", 3), ("process.exit()", 0), ("await 1; process.exit(4)", 4), ("process.exitCode = 5; undefined", 5),
    ("setTimeout(() => process.exit(6), 1); await new Promise(() => {})", 6),
    ("try { process.exit(7) } catch { }", 7),
])
def test_node_exits_end_the_cell(used_node, code, exit_code):
    answer = used_node.run(code)
    assert (answer.exit_code, answer.error, answer.err) == (exit_code, None, "")
    assert values(used_node, "9") == "9"


def test_node_reads_standard_input(node):
    read = "require('fs').readFileSync(0, 'utf8')"
    lines = "const all = []; for await (const l of require('readline').createInterface({ input: process.stdin })) all.push(l); all"
    assert node.run(read, stdin=b"a").result == "'a'"
    assert node.run(lines, stdin=b"b\nc\n").result == "[ 'b', 'c' ]"
    assert node.run(read, stdin=b"d").result == "'d'"
    assert node.run("process.stdin.on('data', () => {}); 1", stdin=b"e").result == "1"
    assert node.run(lines, stdin=b"f").result == "[ 'f' ]"


@pytest.mark.parametrize("code", [
    "console.log('go'); while (true);",
    "console.log('go'); await new Promise(() => {})",
    "console.log('go'); new Promise(() => {})",
    "({ [Symbol.for('nodejs.util.inspect.custom')]() { console.log('go'); while (true); } })",
    "await new Promise((done) => setTimeout(done, 400)); console.log('go'); while (true);",
    "setTimeout(() => { console.log('go'); while (true); }, 400); await new Promise(() => {})",
    "while (true) { display(1); console.log('go') }",
])
def test_node_interrupts(used_node, code):
    answer = interrupted(used_node, code)
    assert (answer.exit_code, answer.error[:2]) == (1, ("Interrupted", "The cell was interrupted"))
    assert values(used_node, "10") == "10"
    assert interrupted(used_node, code).error[0] == "Interrupted"


def test_node_leaves_listeners_of_the_cell(node):
    code = ("const got = new Promise((done) => process.on('SIGINT', done))\n"
            "await new Promise((done) => setTimeout(done, 1)); console.log('go'); await got; 5")
    assert interrupted(node, code).result == "5"
    assert interrupted(node, "console.log('go'); await new Promise(() => {})").error[0] == "Interrupted"
