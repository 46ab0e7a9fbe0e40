"""The JavaScript client: as a package from npm pack, against a real server, and what it does if an answer is lost."""
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import expected
from codecell import ROOT
from expected import check_errors
from stub import LOST, kernel_server, stub_server

SOURCE = ROOT / "clients/javascript"
SCENARIO = Path(__file__).with_name("javascript_scenario.mjs")
EXPECTED = {**expected.EXPECTED, "background": expected.background("TimedOut"), "aborted": ["TimeoutError", True]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project that has installed the client's package."""
    project = tmp_path_factory.mktemp("javascript-client")
    subprocess.run(["npm", "pack", "--silent", "--pack-destination", project, SOURCE], cwd=project, check=True,
                   capture_output=True, timeout=120)
    unpacked = project / "node_modules/codecell"
    unpacked.mkdir(parents=True)
    subprocess.run(["tar", "-xzf", next(project.glob("codecell-*.tgz")), "-C", unpacked, "--strip-components=1"],
                   check=True)
    shutil.copy(SCENARIO, project / "scenario.mjs")
    return project


def run(folder, *arguments, url, key="cc_none"):
    env = {**os.environ, "CODECELL_URL": url, "CODECELL_KEY": key}
    done = subprocess.run(["node", *map(str, arguments)], cwd=folder, env=env, capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def told(folder, served):
    return json.loads(run(folder, "scenario.mjs", *EXPECTED, "errors", url=f"http://{served.address}",
                          key=served.key("javascript", rate=1000)))


@pytest.mark.parametrize("name", EXPECTED)
def test_scenario(told, name):
    assert told[name] == EXPECTED[name]


def test_errors(told):
    check_errors(told["errors"])


def test_kernel(folder):
    with kernel_server() as stub:
        told = json.loads(run(folder, "scenario.mjs", "kernel", url=stub.url))
    assert told["kernel"] == expected.KERNEL
    stub.check_kernel()


def test_the_first_example_of_the_readme(folder, served):
    code = (SOURCE / "README.md").read_text().split("```js\n")[1].split("```")[0]
    code = code.replace("http://localhost:8002", f"http://{served.address}").replace("cc_…", served.key("readme-js"))
    (folder / "example.mjs").write_text(code)
    assert run(folder, "example.mjs", url="").startswith("42\n 0 0.")


@pytest.mark.parametrize("plan, retries, said", LOST)
def test_retries(folder, plan, retries, said):
    with stub_server(plan) as stub:
        out = run(folder, "scenario.mjs", f"tries={retries}", url=stub.url)
    assert json.loads(out) == {"tries": said}
    stub.check(plan, retries)
