"""One small program at a time, each way of running it in turn, with a pause before each so that no way pays for
another's cleaning up."""
import sys
import time

import programs
from clients import Client, check, request_bytes
from codecell import Server
from figures import figures, table

# How much of the bare interpreter's time an answer over HTTP may take, at the median.
GOALS = {("python", "waiting"): 0.42, ("javascript", "waiting"): 0.16, ("bash", "waiting"): 1.2,
         ("python", "fresh"): 1.05, ("javascript", "fresh"): 1.0}
MODES = {
    "on demand": {"CODECELL_POOL": "*=0", "CODECELL_REUSE": "off"},
    "fresh": {"CODECELL_POOL": "*=2", "CODECELL_WAITING": "off"},
    "waiting": {"CODECELL_POOL": "*=2"},
    "container": {"CODECELL_POOL": "*=2", "CODECELL_ISOLATION": "container"},
}


def over_http(server, language):
    client, request = Client(server.address), request_bytes(server.any_key, programs.body(language))

    def once():
        taken, *answer = client.ask(request)
        check(answer, programs.OUTPUT)
        return taken
    return once


def take_turns(contenders, rounds, pause):
    """{name: seconds of each round}, after three rounds that do not count."""
    times = {name: [] for name in contenders}
    for turn in range(-3, rounds):
        for name, once in contenders.items():
            time.sleep(pause)
            taken = once()
            if turn >= 0:
                times[name].append(taken)
        if sys.stderr.isatty():
            print(f"\r{max(turn + 1, 0)}/{rounds} ", end="", file=sys.stderr, flush=True)
    return times


def of_language(language, servers, rounds, pause):
    contenders = {"bare": programs.on_host(language), "docker run": programs.docker_run(language)}
    for mode, server in servers.items():
        contenders[mode] = over_http(server, language)
    results = {name: figures(times) for name, times in take_turns(contenders, rounds, pause).items()}
    for name, each in results.items():
        each["ratio"] = each["p50"] / results["bare"]["p50"]
        each["spread"] = each["p99"] / each["p50"]
        each["goal"] = GOALS.get((language, name))
    table(f"{language}, ms", ["", "p50", "p90", "p99", "to bare", "p99/p50", "goal"],
          [[name, each["p50"], each["p90"], each["p99"], each["ratio"], each["spread"], each["goal"]]
           for name, each in results.items()])
    return results


def run(languages, rounds, pause):
    """{language: {contender: figures}}"""
    results = {}
    for language in languages:
        servers = {mode: Server(settings, languages=[language]) for mode, settings in MODES.items()}
        try:
            for server in servers.values():
                server.start()
            results[language] = of_language(language, servers, rounds, pause)
            for server in servers.values():
                server.stop()
        finally:
            for server in servers.values():
                server.close()
    return results
