"""The programs that are measured: the same small one in each language, and how this machine runs it by itself."""
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))

SOURCES = {
    "python": ("main.py", "print(1+1)\n"),
    "javascript": ("main.js", "console.log(1+1)\n"),
    "bash": ("main.sh", "echo $((1+1))\n"),
    "c": ("main.c", '#include <stdio.h>\n\nint main(void)\n{\n    printf("%d\\n", 1 + 1);\n    return 0;\n}\n'),
}
OUTPUT = "2\n"
HOST = {
    "python": ["/usr/bin/python3", "main.py"],
    "javascript": [shutil.which("node") or "node", "main.js"],
    "bash": ["/usr/bin/bash", "main.sh"],
    "c": ["/bin/sh", "-c", "gcc -O2 -pipe -o main main.c && exec ./main"],
}
IMAGE_ARGV = {
    "python": ["/usr/bin/python3", "-c", SOURCES["python"][1]],
    "javascript": ["/usr/local/bin/node", "-e", SOURCES["javascript"][1]],
    "bash": ["/bin/bash", "-c", SOURCES["bash"][1]],
    "c": ["/bin/sh", "-c", f"cd /tmp && printf '%s' '{SOURCES['c'][1]}' > main.c && gcc -O2 -pipe -o main main.c && ./main"],
}


def body(language):
    return {"code": SOURCES[language][1], "language": language}


def begin(argv, folder=None):
    """Starts a command with posix_spawn; its pid, and the pipe of its output."""
    read, write = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_CLOSE, read)]
    here = os.getcwd()
    if folder:
        os.chdir(folder)
    pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
    if folder:
        os.chdir(here)
    os.close(write)
    return pid, read


def finish(pid, read):
    """Reads the output to its end and waits for the exit; (status, output)."""
    output = b""
    while part := os.read(read, 65536):
        output += part
    os.close(read)
    return os.waitpid(pid, 0)[1], output


def spawned(argv, folder=None, count=1):
    """Runs commands at the same moment, from posix_spawn to the last one's exit with its output read; seconds."""
    start = time.perf_counter()
    begun = [begin(argv, folder) for _ in range(count)]
    ended = [finish(*each) for each in begun]
    taken = time.perf_counter() - start
    assert set(ended) == {(0, OUTPUT.encode())}, (argv, ended)
    return taken


def on_host(language, count=1):
    """A measurement: the language's own command on this machine, so many at the same moment."""
    folder = tempfile.mkdtemp(prefix="codecell-bench-")
    name, code = SOURCES[language]
    Path(folder, name).write_text(code, encoding="utf-8")
    return lambda: spawned(HOST[language], folder, count)


def docker_run(language):
    """A measurement: `docker run` of the same image, as the docker command does it by default, without a network."""
    image = f"codecell/{language}"
    return lambda: spawned(["docker", "run", "--rm", "--network", "none", image, *IMAGE_ARGV[language]])
