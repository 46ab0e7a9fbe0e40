"""A hello through each face beside the native call with the same limits: both on one server, in turns, so that each round
is a pair. The difference of a face is the median of its pairs' differences. Once in cells, and once on a scripted
engine."""
import json
import statistics
import time
from dataclasses import dataclass

import programs
from clients import Client, request_bytes
from codecell import Server
from figures import figures, table
from scripted import ScriptedEngine

GOAL = 0.2  # ms that a face may take more at the median
PAUSE = 0.06  # seconds before each request: the pool has a waiting cell again
HELLO = programs.SOURCES["python"][1]


@dataclass
class Call:
    path: str
    body: dict
    output: object  # a function: the answer's JSON to what the program printed


def native(**limits):
    """The native call with these fields besides the program."""
    return Call("/api/v1/execute", {"code": HELLO, "language": "python", **limits}, lambda answer: answer["stdout"])


# A face's call, and the native one with the same limits and the same input.
PAIRS = {
    "agent402": (Call("/api/code-run", {"code": HELLO, "language": "python"}, lambda answer: answer["stdout"]),
                 native(timeout=30, evaluate=True)),
    "builde2e": (Call("/v1/code-sandbox/execute", {"code": HELLO, "language": "python"},
                      lambda answer: answer["stdout"]),
                 native(timeout=10, limits={"cpu": 0.5, "memory_mb": 256, "output_kb": 1024})),
    "gateway": (Call("/v1/agent-coderunner/execute", {"code": HELLO, "language": "python"},
                     lambda answer: answer["stdout"]), native(timeout=10, limits={"output_kb": 64})),
    "mcp": (Call("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
                     "name": "execute_code", "arguments": {"language": "python", "code": HELLO}}},
                 lambda answer: answer["result"]["structuredContent"]["stdout"]), native()),
    "piston": (Call("/api/v2/execute", {"language": "python", "version": "*", "files": [{"content": HELLO}]},
                    lambda answer: answer["run"]["stdout"]), native(timeout=3, stdin="\n")),
}


def measurement(client, key, call, pause):
    request = request_bytes(key, call.body, call.path)

    def once():
        time.sleep(pause)
        taken, status, body = client.ask(request)
        assert status == 200 and call.output(json.loads(body)).strip() == programs.OUTPUT.strip(), (status, body[:400])
        return taken
    return once


def in_turns(first, second, rounds):
    """Seconds of each round of both, after ten rounds that do not count. Who is first changes each round."""
    times = ([], [])
    for turn in range(-10, rounds):
        order = (0, 1) if turn % 2 == 0 else (1, 0)
        taken = {which: (first, second)[which]() for which in order}
        if turn >= 0:
            times[0].append(taken[0])
            times[1].append(taken[1])
    return times


def compare(server, rounds, pause):
    """{face: figures in ms} on a server."""
    results, client, key = {}, Client(server.address), server.any_key
    for face, (call, same) in PAIRS.items():
        ours, its = in_turns(measurement(client, key, same, pause), measurement(client, key, call, pause), rounds)
        results[face] = {"native": figures(ours), "face": figures(its),
                         "difference": 1000 * statistics.median(b - a for a, b in zip(ours, its)),
                         "ratio": statistics.median(its) / statistics.median(ours), "goal": GOAL}
    client.close()
    return results


def show(title, results):
    table(title, ["", "native p50", "face p50", "native p90", "face p90", "difference", "ratio", "goal"],
          [[face, each["native"]["p50"], each["face"]["p50"], each["native"]["p90"], each["face"]["p90"],
            each["difference"], each["ratio"], GOAL] for face, each in results.items()])
    return results


def run(rounds):
    """{"cells" or "scripted": {face: figures}}. On the scripted engine nothing but the server's own work is counted, so
    that a busy machine hides no difference."""
    results, settings = {}, {"CODECELL_FACES": "all", "CODECELL_POOL": "python=4"}
    with Server(settings, languages=["python"]) as server:
        results["cells"] = show("A hello through each face beside the native call, ms",
                                compare(server.start(), rounds, PAUSE))
    with ScriptedEngine("python") as engine, Server(settings, languages=["python"], engine=engine.host) as server:
        results["scripted"] = show("The same on a scripted engine, ms", compare(server.start(), 4 * rounds, 0.0))
        server.stop()
    return results
