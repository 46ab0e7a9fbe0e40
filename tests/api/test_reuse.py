"""Reuse: a cell with capsules serves its key again, each program in a capsule of its own; CODECELL_REUSE says for whom. What
the next program must not find is the subject of tests/escape/test_leftovers.py."""
import pytest

from codecell import CELL, docker, in_parallel, top, wait_for
from events import stream

# No kept cell ends for its age or for want of room, because tests count them.
SETTINGS = {"CODECELL_REUSE": "key", "CODECELL_POOL": "python=1,bash=1,c=1,javascript=1", "CODECELL_REUSE_IDLE": "1h",
            "CODECELL_POOL_MAX": 200, "CODECELL_POOL_MEMORY_MB": 4096}
CELLS = {language: f"{said}({CELL[language]})" for language, said in {"python": "print", "javascript": "console.log"}.items()}
CELLS |= {"bash": CELL["bash"], "c": f'#include <stdlib.h>\nint main(void) {{ return system("{CELL["bash"]}"); }}'}
TELL = f"print('CELL', {CELL['python']}, flush=True)\n"


def settled(cell):
    """Waits until the cell has an interpreter in its next capsule, or is gone; its name."""
    wait_for(f"{cell} to be ready", lambda: (seen := top(cell)) == "" or "main.py" in seen)
    return cell


def plant(server, key, code, **fields):
    """Runs a program that tells its cell; the cell, settled."""
    out = server.execute(code, key=key, **fields).json["stdout"]
    return settled(out.split("CELL ")[1].split()[0])


def where(server, key, **fields):
    return plant(server, key, TELL, **fields)


def kept(server, language="python"):
    """How many cells are kept for keys, those that make their next capsule included."""
    cells = server.metrics().get("codecell_pool_cells", {})
    return int(cells.get(frozenset({("language", language), ("state", "kept")}), 0))


# For whom.

@pytest.mark.parametrize("language", CELLS)
def test_a_key_has_its_cell_again(server, language):
    key = server.key()
    seen = [server.output(CELLS[language], language, key=key) for _ in range(8)]
    assert len(set(seen)) < 8, seen


def test_never_a_cell_of_another_key(server):
    keys = [server.key() for _ in range(4)]
    cells = {key: set() for key in keys}

    def rounds(key):
        for _ in range(12):
            cells[key].add(server.output(CELLS["python"], key=key))
    in_parallel([lambda key=key: rounds(key) for key in keys])
    named = [cell for key in keys for cell in cells[key]]
    assert len(named) == len(set(named)), cells
    assert all(len(cells[key]) < 12 for key in keys), "a key never had the same cell twice"


def test_any_key_may_have_the_cell_of_another(launch):
    server = launch({**SETTINGS, "CODECELL_REUSE": "any"}, languages=["python"])
    assert len({where(server, key) for key in [server.key() for _ in range(4)]}) == 1


def test_a_key_may_be_without(server):
    key = server.key(reuse="off")
    assert len({where(server, key) for _ in range(3)}) == 3


@pytest.mark.parametrize("settings", [{"CODECELL_REUSE": "off"}, {"CODECELL_ISOLATION": "container"},
                                      {"CODECELL_ISOLATION": "container", "CODECELL_REUSE": "any"}],
                         ids=["off", "container", "container-any"])
def test_cells_are_used_once(launch, settings):
    """If reuse is off, or if there are no capsules."""
    server = launch({"CODECELL_POOL": "python=1", **settings}, languages=["python"])
    assert len({where(server, server.any_key) for _ in range(3)}) == 3
    assert kept(server) == 0


def test_a_key_may_be_alone_with_it(launch):
    server = launch({"CODECELL_POOL": "python=1", "CODECELL_REUSE": "off"}, languages=["python"])
    key = server.key(reuse="key")
    assert len({where(server, key) for _ in range(3)}) == 1
    assert len({where(server, server.any_key) for _ in range(3)}) == 3


def test_without_settings_a_key_has_its_cell_again(launch):
    server = launch({"CODECELL_POOL": "python=1"}, languages=["python"])
    keys = [server.key() for _ in range(2)]
    cells = [[where(server, key) for _ in range(2)] for key in keys]
    assert [len(set(each)) for each in cells] == [1, 1] and cells[0] != cells[1], cells


# Until when.

ENDS = {
    "no-memory": (TELL + "x = []\nwhile True: x.append(bytearray(1 << 20))", {"limits": {"memory_mb": 64}}),
    "a-child-out-of-memory": (TELL + "import os\np = os.fork()\nif p == 0:\n    x = []\n    while True: x.append(bytearray(1 << 20))\nos.wait()",
                              {"limits": {"memory_mb": 64}}),
}
STAYS = {
    "asleep": ("import time; time.sleep(30)", {"timeout": 1}),
    "burning": ("import os\nfor _ in range(5): os.fork()\nwhile True: pass", {"timeout": 1}),
    "children-of-their-own": ("import os, time\nif os.fork() == 0: os.setsid()\ntime.sleep(30)", {"timeout": 1}),
    "too-much-output": ("while True: print('x' * 9000)", {"timeout": 1, "limits": {"output_kb": 1}}),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_program_out_of_memory_ends_the_cell(server, how):
    key, (code, fields) = server.key(), ENDS[how]
    cell = where(server, key)
    assert plant(server, key, code, **fields) == cell
    assert where(server, key) != cell


@pytest.mark.parametrize("how", STAYS)
def test_a_program_over_its_time_or_output_ends_alone(server, how):
    key, (code, fields) = server.key(), STAYS[how]
    cell, count = where(server, key), kept(server)
    assert server.execute(code, key=key, **fields).json["status"] == "timed_out"
    wait_for("the cell to be kept again", lambda: kept(server) >= count)
    settled(cell)
    assert top(cell).count("main.py") == 1  # the next interpreter, which waits
    assert where(server, key) == cell


def test_a_program_that_fails_keeps_its_cell(server):
    key = server.key()
    cell = where(server, key)
    for code, status in ("raise SystemExit(3)", 3), ("syntax error", 1), ("import os; os.abort()", 134):
        assert server.run(code, key=key)["exit_code"] == status
        settled(cell)
    assert where(server, key) == cell


@pytest.mark.parametrize("code", [
    "import time; time.sleep(30)", "while True: pass",
    "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 3, 15)]; time.sleep(30)",
    "print('x' * (16 << 20)); import time; time.sleep(30)",
    "import os, time; os.fork() or os.setsid(); time.sleep(30)",
    "import subprocess; subprocess.run(['sh', '-c', 'sleep 30 & sleep 30'])"])
def test_a_client_that_leaves_ends_the_program_alone(server, code):
    for _ in range(3):  # a cell that is not done within a second is ended, and a busy machine may take as long
        key = server.key()
        cell, count = where(server, key), kept(server)
        running = server.begin(code, key=key, stdin="a line\n")
        server.wait_status("running", key=key)
        running.leave()
        server.wait_status("cancelled", key=key)
        wait_for("the cell to be kept again, or to end", lambda: kept(server) >= count or top(cell) == "")
        if top(cell):
            break
    settled(cell)
    assert top(cell).count("main.py") == 1 and "sleep" not in top(cell)
    assert where(server, key) == cell


def test_a_client_that_leaves_ends_the_cell(server):
    """The signal would wait behind input that nobody reads."""
    key = server.key()
    cell = where(server, key)
    running = stream(server, "import time; print(1, flush=True); time.sleep(30)", "python", key, stdin="x" * 1_000_000)
    assert any(event.name == "stdout" for event in running)  # it has begun
    running.close()
    server.wait_status("cancelled", key=key)
    wait_for(f"{cell} to be gone", lambda: top(cell) == "")


def test_no_more_than_so_many_programs(launch):
    server = launch({**SETTINGS, "CODECELL_REUSE_JOBS": 3}, languages=["python"])
    cells = [where(server, server.any_key) for _ in range(9)]
    assert [len(set(cells[i:i + 3])) for i in (0, 3, 6)] == [1, 1, 1] and len(set(cells)) == 3, cells


def test_kept_cells_go_when_nobody_comes(launch):
    server = launch({**SETTINGS, "CODECELL_REUSE_IDLE": "1s"}, languages=["python"])
    cell = where(server, server.any_key)
    wait_for("none kept", lambda: kept(server) == 0)
    wait_for("its end", lambda: top(cell) == "")
    assert where(server, server.any_key) != cell


def test_with_a_pool_of_none_nothing_is_kept(launch):
    server = launch({**SETTINGS, "CODECELL_POOL": "python=0"}, languages=["python"])
    assert len({where(server, server.any_key) for _ in range(3)}) == 3
    wait_for("no container", lambda: not server.containers())


def test_a_server_that_ends_leaves_none(launch):
    server = launch(SETTINGS)
    for key in [server.key() for _ in range(3)]:
        where(server, key)
    wait_for("cells that are kept", lambda: kept(server) == 3)
    server.stop()  # and checks that no container is left


def test_a_kept_cell_that_dies_is_not_missed(server):
    key = server.key()
    cell, count = where(server, key), kept(server)
    docker("kill", cell)
    wait_for("its end to be seen", lambda: kept(server) < count)
    assert where(server, key) != cell


# With what.

def test_other_limits_in_the_same_cell(server):
    """The limits are set on the cell and then set back; the next capsule's /tmp has the size that is asked for."""
    key = server.key()
    look = TELL + ("import os, resource, shutil\nprint(shutil.disk_usage('/tmp').total, resource.getrlimit(resource.RLIMIT_FSIZE))\n"
                   "for name in ('memory/memory.limit_in_bytes', 'pids/pids.max', 'cpu/cpu.cfs_quota_us', 'memory.max', 'pids.max', 'cpu.max'):\n"
                   "    if os.path.exists('/sys/fs/cgroup/' + name): print(name, open('/sys/fs/cgroup/' + name).read())")

    def seen(**fields):
        out = server.output(look, key=key, **fields).split("\n", 1)
        return settled(out[0].split()[1]), out[1]
    first = seen()
    for limits in ({"memory_mb": 300}, {"cpu": 0.5}, {"processes": 20}, {"disk_mb": 7}, {"disk_mb": 900}):
        cell, other = seen(limits=limits)
        assert cell == first[0] and other != first[1], limits
        assert seen() == first, limits


def test_another_language_has_another_cell(server):
    key = server.key()
    cell = where(server, key)
    assert server.output(CELLS["bash"], "bash", key=key).strip() != cell
    assert where(server, key) == cell


def test_a_kept_cell_gets_its_interpreter_ahead_too(server):
    key = server.key()
    cell = where(server, key)
    assert "main.py" in top(cell)
    assert where(server, key, environment={"A": "1"}) == cell, "an interpreter with other variables cost the key its cell"
    assert where(server, key) == cell
