"""The Python client: as a wheel, against a real server, sync and async, and what it does if an answer is lost."""
import json
from pathlib import Path

import pytest

import expected
from codecell import ROOT
from expected import check_errors
from library import run_python as run
from stub import LOST, kernel_server, stub_server

SCENARIO = Path(__file__).with_name("python_scenario.py")
EXPECTED = {**expected.EXPECTED, "background": expected.background("TimeoutError")}


@pytest.fixture(scope="module", params=["sync", "async"])
def told(request, library, served):
    """What every scenario of one client said."""
    names = [*EXPECTED, "errors"]
    return json.loads(run(library, SCENARIO, request.param, *names, url=f"http://{served.address}",
                          key=served.key(request.param, rate=1000)))


@pytest.mark.parametrize("name", EXPECTED)
def test_scenario(told, name):
    assert told[name] == EXPECTED[name]


def test_errors(told):
    check_errors(told["errors"])


@pytest.mark.parametrize("client", ["sync", "async"])
def test_kernel(library, client):
    with kernel_server() as stub:
        told = json.loads(run(library, SCENARIO, client, "kernel", url=stub.url))
    assert told["kernel"] == expected.KERNEL
    stub.check_kernel()


def test_the_first_example_of_the_readme(library, served, tmp_path):
    code = (ROOT / "clients/python/README.md").read_text().split("```python\n")[1].split("```")[0]
    code = code.replace("http://localhost:8002", f"http://{served.address}").replace("cc_…", served.key("readme"))
    (tmp_path / "example.py").write_text(code)
    assert run(library, tmp_path / "example.py", url="").startswith("42\n 0 0.")


TRY = """
import asyncio, inspect, sys, codecell
async def main():
    client = getattr(codecell, sys.argv[1])(retries=int(sys.argv[2]))
    try:
        answer = client.execute("1", "bash")
        answer = await answer if inspect.isawaitable(answer) else answer
        print(answer.exit_code)
    except codecell.CodecellError as error:
        print(type(error).__name__)
asyncio.run(main())
"""


@pytest.mark.parametrize("client", ["Client", "AsyncClient"])
@pytest.mark.parametrize("plan, retries, said", LOST)
def test_retries(library, client, plan, retries, said):
    with stub_server(plan) as stub:
        out = run(library, "-c", TRY, client, retries, url=stub.url)
    assert out.strip() == said
    stub.check(plan, retries)
