"""agent-gateway's code runner: golden pairs, keys and credits, and the calls of its MCP server."""
import json
import threading
import time

import pytest
from codecell import wait_for
from node import CLIENTS, run

from golden import pair_name, read_pairs

PATH = "/v1/agent-coderunner/execute"


def execute(server, code, key, language="bash"):
    return server.request("POST", PATH, {"code": code, "language": language}, key=key)


def balance(server, key):
    return server.request("GET", "/api/keys/balance", key=None, headers={"Authorization": f"Bearer {key}"})


def create(server):
    return server.request("POST", "/api/keys/create", key=None)


@pytest.mark.parametrize("pair", read_pairs("gateway"), ids=pair_name)
def test_pair(faces, pair):
    faces.check(pair)


def test_longest_code(server, faces):
    answer = execute(server, "#" * (65536 - 7) + "\necho 1", faces.key)
    assert (answer.status, answer.json["stdout"]) == (200, "1")
    answer = execute(server, "#" * 65537, faces.key)
    assert (answer.status, answer.json) == (400, {"error": "code: must be at most 65536 bytes"})


def test_key_of_its_own(server):
    """It has 200 credits, works for this face alone, and may read nothing."""
    before = int(time.time() * 1000)
    key = create(server).json["key"]
    got = balance(server, key)
    assert (got.status, got.json["credits"]) == (200, 200)
    assert before <= got.json["createdAt"] <= time.time() * 1000
    assert execute(server, "exit 3", key).json["exitCode"] == 3
    assert balance(server, key).json["credits"] == 199
    assert execute(server, "", key).status == 400  # nothing ran
    assert balance(server, key).json["credits"] == 199
    answer = server.execute("echo 1", "bash", key=key)
    assert (answer.status, list(answer.json)) == (403, ["detail"])
    answer = server.get("/api/v1/executions", key=key)
    assert (answer.status, list(answer.json)) == (403, ["detail"])
    answer = server.request("POST", "/v1/code-sandbox/execute", {"code": "1", "language": "python"}, key=key)
    assert (answer.status, list(answer.json)) == (403, ["error"])


def test_credits(server):
    key = server.key(credits="1")
    assert balance(server, key).json["credits"] == 1
    assert execute(server, "echo 1", key).json["stdout"] == "1"
    assert balance(server, key).json["credits"] == 0
    answer = execute(server, "echo 1", key)
    assert (answer.status, answer.json) == (402, {"error": "Out of credits"})


def test_rate(server):
    key = server.key(rate=1)
    assert execute(server, "echo 1", key).status == 200
    answer = execute(server, "echo 1", key)
    assert (answer.status, answer.json) == (429, {"error": "Rate limit exceeded. Please try again later."})


def test_frostbyte(faces):
    """Its MCP server makes itself a key, then runs programs."""
    programs = [{"code": "console.log(1 + 1)"}, {"code": "echo $((2 + 2))", "language": "bash"},
                {"code": "1", "language": "ruby"}]
    output = run(["node", "run.mjs", json.dumps(programs)], CLIENTS / "gateway", FROSTBYTE_BASE_URL=faces.base)
    made, one, two, three = map(json.loads, output.splitlines())
    assert made["key"].startswith("gw_")
    assert made["credits"] == 200
    assert [(answer["stdout"], answer["exitCode"]) for answer in (one, two)] == [("2", 0), ("4", 0)]
    assert list(three) == ["error"]


def test_a_day_of_keys(launch):
    """CODECELL_GATEWAY_KEYS bounds what an address makes, and without it nobody makes any."""
    server = launch({"CODECELL_FACES": "gateway", "CODECELL_GATEWAY_KEYS": "2", "CODECELL_RATE": "7"}, languages=[])
    assert [create(server).status for _ in range(2)] == [200, 200]
    answer = create(server)
    assert (answer.status, answer.json) == (429, {"error": "No more keys for this address today"})
    assert 1 <= int(answer.header("Retry-After")) <= 86400
    made = [line for line in server.cli("key", "list").stdout.splitlines() if " gateway " in line]
    assert len(made) == 2
    assert server.database("select distinct rate_per_minute, face from keys where name = 'gateway'") == [(7, "gateway")]


def test_defaults_and_a_full_queue(launch):
    """Clients make no keys and show theirs in no URL, unless a setting says so; a full queue is 503."""
    server = launch({"CODECELL_FACES": "builde2e,gateway", "CODECELL_CONCURRENCY": "1",
                     "CODECELL_CONCURRENCY_EXTRA": "0", "CODECELL_QUEUE": "0"}, languages=["bash", "python"])
    key = server.key()
    answer = create(server)
    assert (answer.status, answer.json) == (403, {"error": "This server makes no keys for its callers"})
    answer = server.request("POST", f"{PATH}?key={key}", {"code": "echo 1", "language": "bash"}, key=None)
    assert (answer.status, answer.json) == (401, {"error": "API key is required"})
    first = threading.Thread(target=execute, args=(server, "sleep 9", key))
    first.start()
    wait_for("a program that runs", lambda: server.database("select count(*) from executions")[0][0] == 1)
    full = [execute(server, "echo 1", key),
            server.request("POST", "/v1/code-sandbox/execute", {"code": "print(1)", "language": "python"}, key=key)]
    for answer in full:
        assert (answer.status, list(answer.json)) == (503, ["error"])
        assert answer.header("Retry-After") == "1"
    first.join()
