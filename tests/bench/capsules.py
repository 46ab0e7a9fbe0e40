"""Single use in capsules: answers a second beside new containers and beside the reset that capsules replaced, the spread
of the answers' times under load, and a hundred programs at the same moment."""
import statistics
import time
from pathlib import Path

import programs
from clients import Crowd, check, closed_loop, open_loop, request_bytes
from codecell import Server
from figures import figures, table
from load import rest

CLIENTS = 8
OURS = {"CODECELL_ISOLATION": "capsule", "CODECELL_REUSE": "key"}
# At least this many times the rate of new containers, and at least this part of the reset's rate.
GOALS = {"bash": (25, 0.5), "python": (9, 0.75), "c": (5, None)}
LOADED = ("python", "javascript", "bash")
LOAD, SPREAD = 0.7, 3.0  # of the most answers a second; the most p99 to p50
BURST, BURST_GOAL = 100, 2.0


class OldServer(Server):
    """A server of commit f68b626, with the languages of its own tree."""

    def __init__(self, program, languages):
        super().__init__({"CODECELL_REUSE": "key"}, languages=languages)
        self.program, self.command = program, [program, "serve"]
        del self.settings["CODECELL_LANGUAGES"]
        images = self.folder / "images"
        images.mkdir()
        for language in languages:
            (images / language).symlink_to(Path(program).resolve().parents[1] / "images" / language)
        self.settings["CODECELL_IMAGES"] = str(images)


def contenders(language, old):
    """{name: (server, number of keys)}; old: a program that still has the reset, or None."""
    found = {
        "capsule, a key": (Server(OURS, languages=[language]), 1),
        "capsule, any": (Server({**OURS, "CODECELL_REUSE": "any"}, languages=[language]), CLIENTS),
        "new container": (Server({"CODECELL_ISOLATION": "container"}, languages=[language]), 1),
    }
    if old:
        found["reset, a key"] = (OldServer(old, [language]), 1)
    return found


def isolation(server):
    """What the server's trial of capsules came to."""
    chosen = server.events("isolation.chosen")
    return chosen[-1]["name"] if chosen else "-"


class Contender:
    """A server that does nothing while others have their turn."""

    def __init__(self, language, server, keys):
        self.language, self.server, self.keys = language, server, keys
        self.blocks, self.times, self.requests = [], [], []

    def start(self):
        self.server.start()
        keys = [self.server.key(f"client-{number}") for number in range(self.keys)]
        body = programs.body(self.language)
        self.requests = [request_bytes(keys[number % self.keys], body) for number in range(CLIENTS)]

    def block(self, seconds):
        busy = rest()
        rate, times = closed_loop(self.server.address, self.requests, programs.OUTPUT, CLIENTS, seconds)
        self.blocks.append({"rate": rate, "busy": busy})
        self.times += times

    def result(self):
        return {"isolation": isolation(self.server), "rate": statistics.mean(each["rate"] for each in self.blocks),
                "blocks": self.blocks, **figures(self.times)}


def take_turns(running, blocks, seconds):
    """{name: result} of servers that all run, and of which one works at a time."""
    for each in running.values():
        each.start()
    for _ in range(blocks):
        for each in running.values():
            each.block(seconds)
    results = {name: each.result() for name, each in running.items()}
    for each in running.values():
        each.server.stop()
    return results


def rates_of(language, blocks, seconds, old):
    running = {name: Contender(language, *each) for name, each in contenders(language, old).items()}
    try:
        results = take_turns(running, blocks, seconds)
    finally:
        for each in running.values():
            each.server.close()
    reset = results.get("reset, a key", {"rate": None})["rate"]
    for each in results.values():
        each["to containers"] = each["rate"] / results["new container"]["rate"]
        each["to reset"] = each["rate"] / reset if reset else None
    table(f"{language}, {CLIENTS} clients, {blocks} times {seconds:g} s each, in turns",
          ["", "isolation", "answers/s", "to new containers", "to the reset", "p50 ms", "p90", "p99"],
          [[name, each["isolation"], each["rate"], each["to containers"], each["to reset"], each["p50"], each["p90"],
            each["p99"]] for name, each in results.items()])
    return results


def rates(languages, blocks, seconds, old):
    """{language: {contender: figures}}"""
    return {language: rates_of(language, blocks, seconds, old) for language in GOALS if language in languages}


def loaded_of(server, language, seconds):
    """One client without a pause, then the most, then an even rate: the part LOAD of the most."""
    request = request_bytes(server.any_key, programs.body(language))
    rest()
    _, alone = closed_loop(server.address, request, programs.OUTPUT, 1, seconds)
    rest()
    most, _ = closed_loop(server.address, request, programs.OUTPUT, CLIENTS, seconds)
    busy = rest()
    times = figures(open_loop(server.address, request, programs.OUTPUT, LOAD * most, 2 * seconds))
    return {"alone": figures(alone)["p50"], "most": most, "rate": LOAD * most, "busy": busy, **times, "spread": times["p99"] / times["p50"]}


def loaded(languages, seconds):
    """{language: figures}"""
    results = {}
    for language in LOADED:
        if language in languages:
            with Server(OURS, languages=[language]) as server:
                results[language] = loaded_of(server.start(), language, seconds)
    table(f"At {LOAD} of the most answers a second, an even rate",
          ["", "one client, p50 ms", "most/s", "rate/s", "p50 ms", "p90", "p99", "p99/p50", "goal"],
          [[language, each["alone"], each["most"], each["rate"], each["p50"], each["p90"], each["p99"], each["spread"], SPREAD]
           for language, each in results.items()])
    return results


def served_burst(server, request):
    """So many requests at once; seconds until the last is answered."""
    with Crowd(server.address, BURST) as crowd:
        start, waiting = time.perf_counter(), BURST
        for client in crowd.free:
            client.begin(request)
        while waiting:
            for _, _, answer in crowd.answers(60):
                check(answer, programs.OUTPUT)
                waiting -= 1
        return time.perf_counter() - start


def burst(rounds):
    """A hundred hellos of Python at the same moment, with one key, and a hundred bare ones, in turns."""
    times = {"bare": [], "capsules": []}
    with Server(OURS, languages=["python"]) as server:
        server.start()
        request, bare = request_bytes(server.any_key, programs.body("python")), programs.on_host("python", BURST)
        for _ in range(rounds):
            rest()
            times["bare"].append(bare())
            rest()
            times["capsules"].append(served_burst(server, request))
    results = {name: {"seconds": each, "p50": statistics.median(each)} for name, each in times.items()}
    results["ratio"] = results["capsules"]["p50"] / results["bare"]["p50"]
    table(f"{BURST} programs of Python at the same moment, until the last has ended, {rounds} rounds",
          ["", "median s", "least", "most", "to bare", "goal"],
          [[name, results[name]["p50"], min(each), max(each), results[name]["p50"] / results["bare"]["p50"],
            BURST_GOAL if name == "capsules" else None] for name, each in times.items()])
    return results


def goals(results):
    """(what, value, limit, met)"""
    for language, each in results.get("rates", {}).items():
        ours, (containers, reset) = each["capsule, a key"], GOALS[language]
        yield (f"{language}, capsules: times the rate of new containers", ours["to containers"], containers,
               ours["to containers"] >= containers)
        if reset and ours["to reset"]:
            yield f"{language}, capsules: part of the reset's rate", ours["to reset"], reset, ours["to reset"] >= reset
    for language, each in results.get("loaded", {}).items():
        yield f"{language}, capsules at {LOAD} of the most: p99 to p50", each["spread"], SPREAD, each["spread"] <= SPREAD
    if "burst" in results:
        ratio = results["burst"]["ratio"]
        yield f"{BURST} Pythons at once: to bare", ratio, BURST_GOAL, ratio <= BURST_GOAL
