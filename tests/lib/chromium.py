"""People's work with the pages, played in headless Chromium by the scenarios of tests/page/browser."""
import json
import subprocess

import node
from node import ROOT

PICTURES = ROOT / "build/pictures"  # for whoever wants to look at them


def command(server, key, *names):
    PICTURES.mkdir(parents=True, exist_ok=True)
    return ["node", "playground.mjs", PICTURES, f"http://{server.address}", key, *names]


def folder():
    return node.install("browser", ROOT / "tests/page")


def scenarios(server, key, names):
    """What these scenarios saw: {"told": {name: …}, "complaints": […]}."""
    return json.loads(node.run(command(server, key, *names), folder()).splitlines()[-1])


def begin(server, key, name):
    """A scenario that tells, line by line, what it wants done meanwhile; its last line is what scenarios() gives."""
    return subprocess.Popen(command(server, key, name), cwd=folder(), stdout=subprocess.PIPE, text=True)
