"""What a capsule costs the processors: made and taken down by the keeper of one cell, without and with a program in it,
beside fork and exec of that program alone in a cell's container. The times are those of the container's cgroup and of
the kernel's own threads. Then what is left a second after the last capsule."""
import contextlib
import os
import statistics
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import capsules
from codecell import Server, docker, wait_for
from engine import Engine, settings_like
from figures import table
from load import rest
from scripted_engine import DONE, FRAME, READY, RESET, RUN, START, STDIN_END, STEP, frame

OPEN, STEP_END = 10, 66
NUMBER, TMP, INODES = struct.Struct("<IIQQ"), 64 << 20, 4096
PROGRAM = "/bin/true"
MOST = 4.0  # ms that a capsule may take more than fork and exec; its network namespace is kept
WARM = 50   # capsules before the first count
LATER = 1.0
SLABS = ("net_namespace", "pid_namespace", "user_namespace", "uts_namespace", "mnt_cache", "mqueue_inode_cache")
LOOP = f"""
import os, sys
for line in sys.stdin:
    for _ in range(int(line)):
        os.waitpid(os.posix_spawn("{PROGRAM}", ["{PROGRAM}"], {{}}), 0)
    print(flush=True)
"""


def twin_of(cell):
    """The body that makes a container like this cell, with the agent in it, but without the server's labels."""
    engine = Engine()
    told = engine.call("GET", f"/containers/{cell}/json")
    engine.close()
    return {**told["Config"], "Labels": {}, "Hostname": "", "HostConfig": told["HostConfig"]}


class Container:
    """A container whose standard input and output are ours."""

    def __init__(self, settings):
        engine = Engine()
        self.id = engine.call("POST", "/containers/create", settings)["Id"]
        engine.close()
        self.process = subprocess.Popen(["docker", "start", "-a", "-i", self.id], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        docker("rm", "-f", self.id)
        self.process.wait()

    @property
    def pid(self):
        return int(docker("inspect", "-f", "{{.State.Pid}}", self.id))

    def read(self, count):
        data = b""
        while len(data) < count:
            part = self.process.stdout.read(count - len(data))
            assert part, "the container ended"
            data += part
        return data

    def write(self, data):
        self.process.stdin.write(data)


class Plain(Container):
    """Fork and exec alone."""

    def __init__(self, settings):
        super().__init__({**settings, "Entrypoint": ["/usr/bin/python3", "-c", LOOP], "Cmd": []})
        self.run(1)

    def run(self, count):
        self.write(f"{count}\n".encode())
        self.read(1)


class Keeper(Container):
    """The keeper and its capsules."""

    def __init__(self, settings):
        super().__init__(settings)
        self.number = self.ready()

    def frame(self):
        kind, _, _, _, length = FRAME.unpack(self.read(FRAME.size))
        return kind, self.read(length)

    def ready(self):
        kind, payload = self.frame()
        assert kind == READY, (kind, payload)
        return NUMBER.unpack(payload)[2]

    def capsule(self, job=b""):
        """Opens the capsule that is ready, runs a job in it or none, and ends it; the next one is ready then."""
        self.write(frame(OPEN, struct.pack("<QQQ", self.number, TMP, INODES)) + job)
        if job:
            while (kind := self.frame()[0]) != DONE:
                assert kind == STEP_END, kind
        self.write(frame(RESET))
        self.number = self.ready()

    def run(self, count):
        for _ in range(count):
            self.capsule()

    def run_job(self, count):
        spec = struct.pack("<QQQQIIII", 10_000, 1 << 20, 0, 0, 0, 0, 0, 0) + PROGRAM.encode() + b"\0"
        job = frame(STEP, spec, step=RUN) + frame(START) + frame(STDIN_END)
        for _ in range(count):
            self.capsule(job)


# Processor time.

def cgroup_folder(pid, controller):
    """The folder of a process in a hierarchy of version 1, or in that of version 2."""
    lines = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii").splitlines()]
    paths = {name: path for _, names, path in lines for name in names.split(",")}
    first = Path("/sys/fs/cgroup", controller)
    return first / paths[controller].lstrip("/") if controller in paths and first.is_dir() else \
        Path("/sys/fs/cgroup", paths[""].lstrip("/"))


def container_seconds(pid):
    folder = cgroup_folder(pid, "cpuacct")
    old = folder / "cpuacct.usage"
    if old.exists():
        return int(old.read_text(encoding="ascii")) / 1e9
    return int((folder / "cpu.stat").read_text(encoding="ascii").split()[1]) / 1e6


def kernel_threads():
    """{pid: seconds} of the kernel's own threads."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if int((folder / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[1]) == 2:
                    found[folder.name] = int((folder / "schedstat").read_text(encoding="ascii").split()[0]) / 1e9
    return found


@dataclass
class Spent:
    container: float
    kernel: float
    wall: float


def spent(pid, work):
    """The processor's seconds that work() took, and what the kernel did within the second after it."""
    before, threads, start = container_seconds(pid), kernel_threads(), time.perf_counter()
    work()
    wall = time.perf_counter() - start
    time.sleep(LATER)
    after = kernel_threads()
    return Spent(container_seconds(pid) - before, sum(each - threads.get(name, 0) for name, each in after.items()), wall)


def one(pid, work, count):
    """{part: ms} of one of `count`, less what the kernel's threads do at rest."""
    rest()
    nothing = spent(pid, lambda: time.sleep(LATER))
    took = spent(pid, lambda: work(count))
    idle = nothing.kernel / (nothing.wall + LATER)
    kernel = max(0.0, took.kernel - idle * (took.wall + LATER))
    return {"container": 1000 * took.container / count, "kernel": 1000 * kernel / count, "wall": 1000 * took.wall / count,
            "all": 1000 * (took.container + kernel) / count}


# What is left.

def slabs():
    """{cache: objects in use}. A processor's own free objects are given back before the count, if that is allowed."""
    for name in SLABS:
        with contextlib.suppress(OSError):
            Path("/sys/kernel/slab", name, "shrink").write_text("1", encoding="ascii")
    with contextlib.suppress(OSError):
        lines = [line.split() for line in Path("/proc/slabinfo").read_text(encoding="ascii").splitlines()[2:]]
        return {f"slab {line[0]}": int(line[1]) for line in lines if line[0] in SLABS}
    return {}


def left(pid):
    """{what: count} of the container and of the machine."""
    time.sleep(LATER)
    members = (cgroup_folder(pid, "memory") / "cgroup.procs").read_text(encoding="ascii").split()
    spaces, mounts = set(), {}
    for each in members:
        for name in os.listdir(f"/proc/{each}/ns"):
            spaces.add(os.readlink(f"/proc/{each}/ns/{name}"))
        mounts[os.readlink(f"/proc/{each}/ns/mnt")] = len(Path(f"/proc/{each}/mountinfo").read_text().splitlines())
    charge = cgroup_folder(pid, "memory")
    charge = next(file for file in (charge / "memory.usage_in_bytes", charge / "memory.current") if file.exists())
    return {"processes": len(members), "namespaces": len(spaces), "mounts": sum(mounts.values()),
            "memory, KiB": int(charge.read_text(encoding="ascii")) >> 10, **slabs()}


def cell_of(server):
    label = f"label=io.codecell.instance={server.instance}"
    return wait_for("a cell", lambda: docker("ps", "-q", "--filter", label, "--filter",
                                             "label=io.codecell.language=python").split())[0]


def measure(keeper, plain, count, rounds):
    ways = {"fork and exec": (plain, plain.run), "capsule": (keeper, keeper.run),
            "capsule with a program": (keeper, keeper.run_job)}
    keeper.run(WARM)
    before, found = left(keeper.pid), {name: [] for name in ways}
    for _ in range(rounds):
        for name, (container, work) in ways.items():
            found[name].append(one(container.pid, work, count))
    after = left(keeper.pid)
    medians = {name: {part: statistics.median(each[part] for each in times) for part in times[0]}
               for name, times in found.items()}
    return {"ms": medians, "rounds": found, "capsules": 2 * rounds * count, "before": before, "after": after}


def run(count, rounds):
    with Server(capsules.OURS, languages=["python"]) as server:
        cell = cell_of(server.start())
        with Keeper(twin_of(cell)) as keeper, Plain(settings_like(cell) | {"OpenStdin": True, "StdinOnce": True}) as plain:
            results = measure(keeper, plain, count, rounds)
    bare = results["ms"]["fork and exec"]["all"]
    for each in results["ms"].values():
        each["more"] = each["all"] - bare
    table(f"The processors' ms for one, {rounds} rounds of {count}",
          ["", "container", "kernel threads", "both", "more than fork and exec", "wall"],
          [[name, each["container"], each["kernel"], each["all"], each["more"], each["wall"]]
           for name, each in results["ms"].items()])
    table(f"What is left {LATER:g} s after {results['capsules']} capsules", ["", "before", "after"],
          [[what, count, results["after"][what]] for what, count in results["before"].items()])
    return results


def goals(results):
    """(what, value, limit, met)"""
    for name in ("capsule", "capsule with a program"):
        more = results["ms"][name]["more"]
        yield f"{name}: ms of the processors more than fork and exec", more, MOST, more <= MOST
    for what in ("processes", "namespaces", "mounts"):
        more = results["after"][what] - results["before"][what]
        yield f"capsules: {what} left after {results['capsules']}", more, 0, more <= 0
