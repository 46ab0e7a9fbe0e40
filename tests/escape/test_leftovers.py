"""What a job leaves in a capsule is gone for the next job of its container, whoever's it is. The jobs here run in one
container, one after another: `CODECELL_REUSE=any`, and the pool prefers the container that was used. Each program tells its
container, so a test knows that it was the same."""
import json
import os
import re
from pathlib import Path

import pytest

import leftovers
from codecell import Server, docker, host_pids, top, wait_for

SETTINGS = {"CODECELL_REUSE": "any", "CODECELL_POOL": "python=1,*=0", "CODECELL_CONCURRENCY": 1, "CODECELL_CONCURRENCY_EXTRA": 0,
            "CODECELL_REUSE_JOBS": 10000}
KEPT = frozenset({("language", "python"), ("state", "kept")})
USER = "import os; print(os.getuid())\n" + leftovers.TELL


class Jobs:
    """Programs of two keys, one after another, each in a prepared capsule of the same container."""

    def __init__(self, server):
        self.server = server
        self.planter, self.other = server.key("planter"), server.key("other")
        self.container = None  # of the last program
        self.first = {}  # what the first program of each container found

    def ask(self, code, key, limits=None, **fields):
        """Runs a program that tells its container, as soon as an interpreter waits in the next capsule of the last one's."""
        if self.container:
            wait_for("the next capsule", lambda: (seen := top(self.container)) == "" or "main.py" in seen)
        result = self.server.execute(code, key=key, limits={"output_kb": 4096, **(limits or {})}, **fields).json
        self.container = re.search(r"^CELL (\w+)$", result["stdout"], re.M)[1]
        return result

    def baseline(self):
        """What the first program of the container finds that the next program gets."""
        while not self.container or self.container not in self.first or top(self.container) == "":
            found = found_by(self.ask(leftovers.LOOK, self.other))
            self.first.setdefault(self.container, found)
        return self.first[self.container]

    def run(self, code, key, **fields):
        """The answer, and the container that the program ran in."""
        self.baseline()
        return self.ask(code, key, **fields), self.container

    def look(self, key):
        """How what a program of the key finds differs from what the first of its container found; and the container."""
        first = self.baseline()
        found = found_by(self.ask(leftovers.LOOK, key))
        return differences(found, first), self.container

    def cancel(self, code, key):
        """Runs a program until it has written /tmp/planted, and cancels it; the container, in which it has ended."""
        self.baseline()
        wait_for("the next capsule", lambda: "main.py" in top(self.container))
        running = self.server.begin(code, key=key)
        wait_for("/tmp/planted", lambda: any(Path(f"/proc/{pid}/root/tmp/planted").exists() for pid in host_pids(self.container)))
        running.leave()
        wait_for("the cell to be kept, or to end",
                 lambda: self.server.metrics()["codecell_pool_cells"].get(KEPT) or top(self.container) == "")
        return self.container

    def plant(self, left):
        fields = {"stdin": "x" * 300000} if left == "input-not-read" else {}
        result, container = self.run(leftovers.plant(left), self.planter, **fields)
        assert "it worked" not in result["stdout"], result
        return container


@pytest.fixture(scope="module")
def jobs():
    with Server(SETTINGS, languages=["python"]) as server:
        yield Jobs(server.start())


def found_by(result):
    assert result["exit_code"] == 0 and not result["stdout_truncated"], result
    return json.loads(next(line for line in result["stdout"].splitlines() if line.startswith("{")))


def differences(found, first):
    """{what: [as the container's first program found it, as this one did]}"""
    wrong = {}
    for name, value in first.items():
        if isinstance(value, dict):
            for part in {*value, *found[name]}:
                if value.get(part) != found[name].get(part):
                    wrong[f"{name}: {part}"] = [value.get(part), found[name].get(part)]
        elif value != found[name]:
            wrong[name] = [value, found[name]]
    return wrong


def in_one_container(planted_and_next):
    """planted_and_next() runs two programs; (the container of the first, of the second). Both must be the same. The keeper
    ends a container in which it cannot clean up within half a second, so a busy machine has three tries."""
    for _ in range(3):
        first, second = planted_and_next()
        if first == second:
            return
    raise AssertionError(f"the container was not kept: {first}, {second}")


def nothing_is_found(jobs, plant, key):
    def planted_and_next():
        container = plant()
        wrong, where = jobs.look(key)
        assert wrong == {}
        return container, where
    in_one_container(planted_and_next)


@pytest.mark.parametrize("left", leftovers.LEFT)
def test_nothing_is_left(jobs, left):
    """The next program, of another key and then of the same, finds what the container's first one found."""
    for key in (jobs.other, jobs.planter):
        nothing_is_found(jobs, lambda: jobs.plant(left), key)


@pytest.mark.parametrize("left", ["a-daemon", "a-stopped-child", "files", "shared-memory-files", "message-queues", "locks", "a-listener",
                                  "large-pipes", "variables"])
def test_nothing_is_left_of_a_cancelled_program(jobs, left):
    """It is killed while it does something, and its container is kept."""
    code = leftovers.plant(left) + "\nopen('/tmp/planted', 'w').close()\nwhile True: os.getpid()"
    nothing_is_found(jobs, lambda: jobs.cancel(code, jobs.planter), jobs.other)


@pytest.mark.parametrize("left", leftovers.SEEN)
def test_looking_would_have_found_it(jobs, left):
    result, container = jobs.run(leftovers.seen_by_itself(left), jobs.planter)
    assert differences(found_by(result), jobs.first[container]), result


def test_it_is_one_container(jobs):
    """By what a program can tell, and by what the engine says of the container and of its process 1."""
    users, containers, keepers = set(), set(), set()
    for key in (jobs.planter, jobs.other) * 3:
        result, container = jobs.run(USER, key)
        users.add(result["stdout"].split()[0])
        containers.add(container)
        keepers.add(docker("inspect", "-f", "{{.State.Pid}}", container))
    assert len(users) == len(containers) == len(keepers) == 1
    assert docker("inspect", "-f", "{{.Config.User}}", *containers).split(":")[0] == users.pop()


# Memory.

MEMORY = {"memory_mb": 320}
AGED = {"names-that-are-not-there"}  # the kernel gives them up when it needs the memory, and the pool a container that holds so much


@pytest.mark.parametrize("kind", leftovers.CHARGED)
def test_memory_that_stays_charged_is_not_taken_from_the_next(jobs, kind):
    def planted_and_next(key):
        planted, container = jobs.run(leftovers.charge(kind, 250), jobs.planter, limits=MEMORY)
        assert planted["status"] == "completed", planted
        filled, where = jobs.run(leftovers.fill(290), key, limits=MEMORY)
        assert ("FILLED\n" in filled["stdout"], filled["status"]) == (True, "completed"), filled
        return container, container if kind in AGED else where
    for key in (jobs.other, jobs.planter):
        in_one_container(lambda key=key: planted_and_next(key))


@pytest.mark.parametrize("kind", ["system-v-shared-memory", "files-in-sockets-in-a-cycle"])
def test_it_would_have_been_missed(jobs, kind):
    both, _ = jobs.run(leftovers.charge(kind, 250) + leftovers.fill(290), jobs.planter, limits=MEMORY)
    assert ("FILLED\n" in both["stdout"], both["status"]) == (False, "out_of_memory"), both


def test_the_next_is_not_said_to_be_out_of_memory(jobs):
    """The kernel counts its kills of a whole container."""
    result, _ = jobs.run(leftovers.TELL + "import os\nif os.fork() == 0: x = b'x' * (400 << 20)\nelse: os.wait()", jobs.planter, limits=MEMORY)
    assert result["status"] == "out_of_memory", result
    for code, status in (("print(1)", "completed"), ("import os; os.kill(os.getpid(), 9)", "failed")):
        result, _ = jobs.run(leftovers.TELL + code, jobs.other)
        assert result["status"] == status, result


# What two jobs of one container share, as docs/security.md says.

FAULTS = leftovers.TELL + """
import mmap, resource, sys
with open(sys.argv[1], "rb") as file:
    memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
before = resource.getrusage(resource.RUSAGE_SELF).ru_majflt
sum(memory[i] for i in range(0, len(memory), 4096))
print(resource.getrusage(resource.RUSAGE_SELF).ru_majflt - before)
"""
RARE = "/usr/lib/python3/dist-packages/pydantic_core/_pydantic_core.cpython-313-x86_64-linux-gnu.so"


def test_the_page_cache_is_shared(jobs):
    """A program can tell whether a file of its image has been read lately: as in a new container, the cache is the host's."""
    jobs.baseline()
    with open(f"/proc/{host_pids(jobs.container)[0]}/root{RARE}", "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    faults = [int(jobs.run(FAULTS, key, args=[RARE])[0]["stdout"].split()[-1]) for key in (jobs.planter, jobs.other)]
    assert faults[0] > 0 and faults[1] == 0, faults


def test_the_user_is_shared(jobs):
    seen = {jobs.run(USER, key)[0]["stdout"] for key in (jobs.planter, jobs.other)}
    assert len(seen) == 1


# What runtimes read of their limits; docker/agent/masks.c has the list.
TOLD = {"cpu.cfs_quota_us", "cpu.cfs_period_us", "cpuset.cpus", "cpuset.mems", "cpuset.effective_cpus", "memory.limit_in_bytes",
        "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes", "memory.use_hierarchy", "pids.max", "cpu.max", "cpuset.cpus.effective", "memory.max",
        "memory.high", "memory.low", "memory.swap.max", "cgroup.controllers"}


def test_the_cgroup_tells_limits_and_no_counts(jobs):
    """So it tells nothing of the jobs before: test_nothing_is_left compares the files that are left."""
    told = jobs.baseline()["cgroup"]
    assert told and {Path(path).name for path in told} <= TOLD, told
