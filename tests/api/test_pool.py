"""Cells that wait: how many, replaced when they die, one program each."""
import subprocess

import pytest

from codecell import CELL, docker, in_parallel, top, wait_for

SETTINGS = {"CODECELL_POOL": "python=3,bash=2,javascript=1,c=1", "CODECELL_POOL_MAX": "7"}  # no more than these
WANTED = {"python": 3, "bash": 2, "javascript": 1, "c": 1}


def waiting(server):
    """{language: ids of running containers}"""
    found = {}
    for cell in server.containers(running=True):
        found.setdefault(cell["labels"]["io.codecell.language"], set()).add(cell["id"])
    return found


def full(server, wanted=None):
    """Waits until exactly the cells of the setting are idle and no other exists; returns them."""
    server.wait_pool(**(wanted or WANTED))
    return waiting(server)


def test_as_many_wait_as_the_setting_says(server):
    full(server)


def test_a_cell_serves_one_program(server):
    full(server)
    used = {server.output(f"print({CELL['python']})").strip() for _ in range(3)}
    assert len(used) == 3, "not three programs in three cells"
    assert not used & {cell[:12] for cell in full(server)["python"]}, "a used cell is idle again"


def test_a_waiting_cell_is_used_and_replaced(server):
    before = full(server)["bash"]
    server.output("echo 1", "bash")
    after = full(server)["bash"]
    assert len(before & after) == 1


@pytest.mark.parametrize("how", [["kill"], ["rm", "-f"], ["stop", "-t", "0"], ["kill", "-s", "TERM"]], ids=" ".join)
def test_cells_that_die_are_replaced(server, how):
    victims = full(server)["python"]
    docker(*how, *victims)
    if how == ["kill", "-s", "TERM"]:  # PID 1 may ignore it
        assert server.output("print(1)") == "1\n"
        return
    assert not victims & full(server)["python"]
    assert server.output("print(1)") == "1\n"


def test_a_cell_that_does_not_answer_is_killed(server):
    """The cell is frozen from outside in the middle of its program, so that its agent can send nothing more."""
    running = server.begin("echo before; sleep 50", "bash", timeout=20, session_id="stuck")

    def busy():
        return [cell["id"] for cell in server.containers(running=True)
                if cell["labels"]["io.codecell.language"] == "bash" and "sleep 50" in top(cell["id"])]
    docker("pause", *wait_for("the program", busy))
    answer = running.answer()
    assert answer.status == 500, answer
    assert (answer.json["status"], answer.json["stdout"], answer.json["exit_code"]) == ("timed_out", "before\n", 124)
    full(server)


def test_requests_while_cells_die_are_all_answered(server):
    cells = [id_ for ids in full(server).values() for id_ in ids]

    def kill_all():  # some are being removed already
        subprocess.run(["docker", "rm", "-f", *cells], capture_output=True, check=False)

    def ask():
        answer = server.execute("print(1+1)")
        if answer.status == 500:  # its cell was among them, with its program under way
            return answer.json["detail"].startswith("Execution failed: ")
        return answer.status == 200 and answer.json["stdout"] == "2\n"
    assert in_parallel([kill_all] + [ask] * 6) == [None] + [True] * 6
    full(server)


def test_more_than_wait_are_made_on_demand(server):
    full(server)
    assert in_parallel([lambda: server.output("print(1)")] * 9) == ["1\n"] * 9
    full(server)


def test_other_limits_get_a_cell_of_their_own(server):
    """The kernel (cgroup v1 or v2) has the limits that were asked for."""
    code = ("cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null; "
            "df -m . | tail -1 | awk '{print $2}'")
    small = server.output(code, "bash", limits={"processes": 20, "disk_mb": 7}).split()
    great = server.output(code, "bash", limits={"processes": 200, "disk_mb": 300}).split()
    assert 20 <= int(small[0]) <= 24 and 200 <= int(great[0]) <= 204
    assert int(small[1]) <= 7 and 290 <= int(great[1]) <= 300
    full(server)


def test_a_failing_program_costs_no_cell_of_another(server):
    full(server)
    server.run("kill -9 $$", "bash")
    server.execute("sleep 99", "bash", timeout=1)
    full(server)


def test_the_pool_by_state_in_the_metrics(server):
    full(server)
    samples = server.metrics()
    pools = [(dict(labels), value) for name, series in samples.items() if "pool" in name or "cells" in name
             for labels, value in series.items() if dict(labels).get("state") == "ready"]
    for language, count in WANTED.items():
        assert any(labels.get("language") == language and value == count for labels, value in pools), pools


@pytest.mark.parametrize("setting", ["*=0", "python=0,*=0", "bash=1,*=0"])
def test_none_may_wait(launch, setting):
    server = launch({"CODECELL_POOL": setting}, languages=["bash", "python"])
    assert server.output("print(1)") == "1\n"
    if "bash=1" in setting:
        full(server, {"bash": 1})
    else:
        wait_for("no cells", lambda: server.containers() == [])


def test_with_a_pool_of_none_ready_is_ready(launch):
    server = launch({"CODECELL_POOL": "*=0"}, languages=["bash"])
    assert in_parallel([lambda: server.output("echo 1", "bash")] * 4) == ["1\n"] * 4
