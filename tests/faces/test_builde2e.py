"""BuildE2E: golden pairs, what needs a key of its own, and a stand-in for its client."""
import json

import pytest
from node import CLIENTS, run

from golden import pair_name, read_pairs

PATH = "/v1/code-sandbox/execute"


def execute(server, code, key, language="python"):
    return server.request("POST", PATH, {"code": code, "language": language}, key=key)


def client(faces, key, *programs):
    """What the stand-in gets for these programs, each (language, code)."""
    asked = json.dumps([{"language": language, "code": code} for language, code in programs])
    output = run(["node", "run.mjs", asked], CLIENTS / "builde2e", BUILDE2E_URL=faces.base, BUILDE2E_KEY=key)
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize("pair", read_pairs("builde2e"), ids=pair_name)
def test_pair(faces, pair):
    faces.check(pair)


def test_longest_code(server, faces):
    answer = execute(server, "print(1)" + "#" * (102400 - 8), faces.key)
    assert (answer.status, answer.json["stdout"]) == (200, "1\n")
    answer = execute(server, "#" * 102401, faces.key)
    assert (answer.status, answer.json) == (413, {"error": "code: must be at most 102400 bytes"})


def test_credits(server):
    key = server.key(credits="2")
    assert [execute(server, "1/0", key).status for _ in range(2)] == [200, 200]  # failed programs are paid, too
    answer = execute(server, "print(1)", key)
    assert (answer.status, answer.json) == (402, {"error": "Out of credits"})


def test_rate(server):
    key = server.key(rate=1)
    assert execute(server, "print(1)", key).status == 200
    answer = execute(server, "print(1)", key)
    assert (answer.status, answer.json) == (429, {"error": "Rate limit exceeded. Please try again later."})
    assert 1 <= int(answer.header("Retry-After")) <= 60


def test_key_of_another_face(server):
    answer = execute(server, "print(1)", server.key(face="gateway"))
    assert answer.status == 403
    assert list(answer.json) == ["error"]


def test_timeout_of_a_key(server):
    """A key may have a lower limit, and the answer then says that one."""
    answer = execute(server, "while True: pass", server.key(**{"max-timeout": "1"}))
    assert (answer.status, answer.json["exitCode"], answer.json["timedOut"]) == (200, 124, True)
    assert answer.json["executionTimeMs"] == 1000


def test_client(faces):
    answers = client(faces, "uc-" + faces.key.removeprefix("cc_"), ("python", "print(sum(range(1, 101)))"),
                     ("javascript", "console.log(require('lodash').chunk([1, 2, 3, 4], 2))"), ("ruby", "puts 1"))
    assert [answer.get("stdout") for answer in answers] == ["5050\n", "[ [ 1, 2 ], [ 3, 4 ] ]\n", None]
    assert answers[0].keys() == {"stdout", "stderr", "exitCode", "executionTimeMs", "memoryUsageMb", "timedOut", "cost"}
    assert answers[2] == {"refused": '400: language: must be "python" or "javascript"'}
    assert client(faces, "uc-wrong", ("python", "1")) == [{"refused": "401: Invalid API key"}]
