"""`1+1` in a kernel beside a bare interpreter of this machine that prints it, in turns."""
import json
import time

import programs
from clients import Client, request_bytes
from codecell import Server
from figures import figures, table

GOALS = {"python": 0.25}  # of bare
LANGUAGES = ("python", "javascript")
PAUSE = 0.1  # seconds before each


def in_kernel(server, language):
    """A function that runs one cell; its seconds."""
    session = f"bench-{language}"
    made = server.request("POST", "/api/v1/sessions", {"session_id": session, "workspace": True, "language": language},
                          key=server.any_key)
    assert made.status == 201, made
    client = Client(server.address)
    request = request_bytes(server.any_key, {"code": "1+1", "language": language, "session_id": session, "kernel": True})

    def once():
        taken, status, text = client.ask(request)
        assert status == 200 and json.loads(text)["result"] == "2", text[:400]
        return taken
    return once


def of_language(server, language, rounds):
    contenders = {"bare": programs.on_host(language), "kernel": in_kernel(server, language)}
    times = {name: [] for name in contenders}
    for turn in range(-3, rounds):
        for name, once in contenders.items():
            time.sleep(PAUSE)
            taken = once()
            if turn >= 0:
                times[name].append(taken)
    results = {name: figures(each) for name, each in times.items()}
    return {**results, "ratio": results["kernel"]["p50"] / results["bare"]["p50"], "goal": GOALS.get(language)}


def run(languages, rounds):
    """{language: {"bare": figures, "kernel": figures, "ratio", "goal"}}"""
    chosen = [language for language in LANGUAGES if language in languages]
    with Server({"CODECELL_POOL": "*=1"}, languages=chosen) as server:
        server.start()
        results = {language: of_language(server, language, rounds) for language in chosen}
    table("1+1 in a kernel, ms", ["", "bare p50", "kernel p50", "kernel p99", "to bare", "goal"],
          [[language, each["bare"]["p50"], each["kernel"]["p50"], each["kernel"]["p99"], each["ratio"], each["goal"]]
           for language, each in results.items()])
    return results


def goals(results):
    for language, each in results.items():
        if each["goal"] is not None:
            yield f"{language}, 1+1 in a kernel: p50 to bare", each["ratio"], each["goal"], each["ratio"] <= each["goal"]
