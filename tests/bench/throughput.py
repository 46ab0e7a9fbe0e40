"""Answers a second at more and more clients, beside the ceiling that the engine sets, in slices that take turns."""
import time

import engine
import programs
from clients import closed_loop, open_loop, request_bytes
from codecell import Server, docker, wait_for
from figures import figures, table

CLIENTS = (1, 2, 4, 8, 16, 64)
GOALS = {"bash": 0.9, "python": 0.85, "javascript": 0.75}  # of the ceiling
QUIET = 1.0                                                # seconds between two slices
LONG = 5                                                   # slices in one, so that the cells in stock count little


def ceiling(server, language, seconds):
    """The most lives a second that the engine reaches with two, four or eight side by side."""
    best, label = 0.0, f"io.codecell.language={language}"
    cell = wait_for("a cell", lambda: docker("ps", "-q", "--filter", f"label={label}",
                                             "--filter", f"label=io.codecell.instance={server.instance}").split())[0]
    settings = engine.settings_like(cell)
    for count in (2, 4, 8):
        time.sleep(QUIET)
        best = max(best, engine.cycles(settings, count, seconds))
    return best


def slice_of(server, language, count, seconds):
    time.sleep(QUIET)
    request = request_bytes(server.any_key, programs.body(language))
    rate, times = closed_loop(server.address, request, programs.OUTPUT, count, seconds)
    return {"rate": rate, **figures(times)}


def new_containers(languages, seconds):
    results = {}
    with Server({"CODECELL_REUSE": "off"}, languages=languages) as server:
        server.start()
        for language in languages:
            most = ceiling(server, language, seconds)
            rows = {count: slice_of(server, language, count, seconds) for count in CLIENTS}
            long = slice_of(server, language, 8, LONG * seconds)
            again = ceiling(server, language, seconds)
            time.sleep(QUIET)
            warm = steady(server, language, 2, seconds)
            loaded = steady(server, language, 0.7 * (most + again) / 2, 2 * seconds)
            results[language] = {"ceiling": (most + again) / 2, "clients": rows, "long": long, "warm": warm,
                                 "loaded": loaded, "part": long["rate"] / ((most + again) / 2), "goal": GOALS.get(language)}
            report_single(language, results[language])
    return results


def cells_taken(server):
    """{where the cell came from: programs}"""
    taken = server.metrics().get("codecell_cells_taken_total", {})
    return {how: sum(count for labels, count in taken.items() if ("cell", how) in labels)
            for how in ("prewarmed", "blank", "made")}


def steady(server, language, rate, seconds):
    """Requests at an even rate that the engine can follow."""
    time.sleep(QUIET)
    request, before = request_bytes(server.any_key, programs.body(language)), cells_taken(server)
    times = figures(open_loop(server.address, request, programs.OUTPUT, rate, seconds))
    taken = {how: count - before[how] for how, count in cells_taken(server).items()}
    return {"rate": rate, **times, "warm": 1 - taken["made"] / sum(taken.values()), "taken": taken}


def report_single(language, result):
    rows = [[f"{count} clients", each["rate"], each["rate"] / result["ceiling"], each["p50"], each["p90"], each["p99"], None]
            for count, each in result["clients"].items()]
    each = result["long"]
    rows.append(["8 clients, long", each["rate"], result["part"], each["p50"], each["p90"], each["p99"], None])
    for name in ("warm", "loaded"):
        each = result[name]
        rows.append([f"even {each['rate']:.1f}/s", each["rate"], each["rate"] / result["ceiling"], each["p50"],
                     each["p90"], each["p99"], each["warm"]])
    table(f"{language}, new containers; the engine's ceiling is {result['ceiling']:.1f}/s, the goal "
          f"{result['goal'] or '-'} of it", ["", "answers/s", "of ceiling", "p50 ms", "p90", "p99", "found a cell"], rows)


def in_capsules(languages, seconds):
    results = {}
    with Server(languages=languages) as server:
        server.start()
        for language in languages:
            results[language] = {count: slice_of(server, language, count, seconds) for count in CLIENTS}
            table(f"{language}, in capsules, one key", ["", "answers/s", "p50 ms", "p90", "p99"],
                  [[f"{count} clients", each["rate"], each["p50"], each["p90"], each["p99"]]
                   for count, each in results[language].items()])
    return results


def run(languages, seconds):
    return {"new containers": new_containers(languages, seconds), "capsules": in_capsules(languages, seconds)}
