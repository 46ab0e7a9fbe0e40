"""The drivers of kernels in their images, each version: test_kernel_alone.py has the rest."""
import base64
import itertools

import pytest

SETTINGS = {"CODECELL_WORKSPACES_AWAKE": "4"}
PYTHONS, NODES = ("3.13", "3.11"), ("24", "20")
sessions = map("driver{}".format, itertools.count())


@pytest.fixture(scope="module", params=[*PYTHONS, *NODES])
def kernel(request, server):
    """A function that runs a cell in a kernel of one version."""
    id_ = next(sessions)
    language = "python" if request.param in PYTHONS else "javascript"
    answer = server.request("POST", "/api/v1/sessions", {"session_id": id_, "workspace": True, "language": language,
                                                         "version": request.param})
    assert answer.status == 201, answer

    def run(code, **fields):
        done = server.post({"code": code, "session_id": id_, "kernel": True, "timeout": 60, **fields}).json
        assert done["version"].startswith(request.param), done
        return done
    run.is_python = language == "python"
    yield run
    server.request("DELETE", f"/api/v1/sessions/{id_}")


def values(kernel, *cells, **fields):
    """The result of the last of some cells, which all end well."""
    for code in cells:
        done = kernel(code, **fields)
        assert (done["exit_code"], done["stderr"], done["error"], done["warnings"]) == (0, "", None, []), done
    return done["result"]


def test_state_and_await(kernel):
    if kernel.is_python:
        assert values(kernel, "import asyncio\nx = 2", "await asyncio.sleep(0, x + 1)") == "3"
    else:
        assert values(kernel, "const x = 1", "const x = 2; class A { n() { return x } }",
                      "await new Promise((done) => setTimeout(done, 1, new A().n() + 1))") == "3"


def test_libraries(kernel):
    if kernel.is_python:
        done = kernel("import matplotlib.pyplot as plt, pandas\nplt.plot([1, 2])\nplt.show()\n"
                      "plt.hist([1])\npandas.DataFrame({'a': [1]})")
        assert [sorted(shown) for shown in done["results"]] == [
            ["image/png", "text/plain"], ["text/html", "text/plain"], ["image/png", "text/plain"]], done
        for shown in done["results"][::2]:
            assert base64.b64decode(shown["image/png"], validate=True).startswith(b"\x89PNG\r\n\x1a\n")
        done = kernel("import sympy\nsympy.Symbol('x') ** 2")
        assert done["results"] == [{"text/plain": "x**2", "text/latex": "$\\displaystyle x^{2}$"}]
        assert list(kernel("from PIL import Image\nImage.new('RGB', (1, 1))")["results"][0]) == ["text/plain", "image/png"]
    else:
        assert values(kernel, "import lodash from 'lodash'\nimport { parse } from 'csv-parse/sync'",
                      "[lodash.chunk([1, 2, 3], 2).length, parse('a\\n1').length, require('dayjs')(0).year()]") == (
            "[ 2, 2, 1970 ]")


def test_files_beside(kernel):
    if kernel.is_python:
        assert values(kernel, "import beside\nbeside.n", files=[{"path": "beside.py", "content": "n = 1"}]) == "1"
        assert values(kernel, "import later\nlater.n", files=[{"path": "later.py", "content": "n = 2"}]) == "2"
    else:
        assert values(kernel, "require('./beside').n", files=[{"path": "beside.js", "content": "exports.n = 1"}]) == "1"
        assert values(kernel, "(await import('./later.mjs')).n",
                      files=[{"path": "later.mjs", "content": "export const n = 2"}]) == "2"


def test_exceptions(kernel):
    if kernel.is_python:
        done = kernel("def f():\n    return 1 / 0\nf()")
        assert (done["error"]["name"], done["exit_code"]) == ("ZeroDivisionError", 1)
        assert ", line 2, in f\n    return 1 / 0\n" in done["stderr"]
    else:
        done = kernel("function f() {\n  return null.x\n}\nf()")
        assert (done["error"]["name"], done["exit_code"]) == ("TypeError", 1)
        assert "  return null.x\n              ^\n" in done["stderr"] and "    at f (" in done["stderr"]
    assert "/usr/lib/codecell" not in done["stderr"] and "node:vm" not in done["stderr"]


@pytest.mark.parametrize("python, javascript", [
    ("while True: pass", "while (true);"),
    ("import asyncio\nawait asyncio.sleep(60)", "await new Promise(() => {})"),
    ("import asyncio\nawait asyncio.sleep(0.2)\nwhile True: pass",
     "await new Promise((done) => setTimeout(done, 200)); while (true);"),
])
def test_a_timeout_leaves_the_state(kernel, python, javascript):
    values(kernel, "kept = 7")
    done = kernel(python if kernel.is_python else javascript, timeout=3)
    assert (done["status"], done["warnings"]) == ("timed_out", ["The kernel was interrupted; its state is still there."])
    assert done["error"]["name"] == ("KeyboardInterrupt" if kernel.is_python else "Interrupted")
    assert values(kernel, "kept") == "7"


def test_input_and_output(kernel):
    if kernel.is_python:
        done = kernel("print('out', end='')\nname = input('? ')\nname", stdin="Ada\n")
    else:
        done = kernel("process.stdout.write('out')\nprocess.stdout.write('? ')\n"
                      "const name = require('fs').readFileSync(0, 'utf8').trim()\nname", stdin="Ada\n")
    assert (done["stdout"], done["result"]) == ("out? ", "'Ada'")


def test_an_exit_ends_the_cell(kernel):
    values(kernel, "kept = 8")
    assert kernel("exit(3)" if kernel.is_python else "process.exit(3)")["exit_code"] == 3
    assert values(kernel, "kept") == "8"


def test_a_program_that_a_cell_starts(kernel):
    if kernel.is_python:
        code = "import subprocess\nsubprocess.run(['ls', '/proc/self/fd'], capture_output=True, text=True).stdout.split()"
        assert values(kernel, code) == "['0', '1', '2', '3']"  # 3 is the folder
    else:
        code = "require('child_process').execFileSync('ls', ['/proc/self/fd']).toString().split('\\n')"
        assert values(kernel, code) == "[ '0', '1', '2', '3', '' ]"
