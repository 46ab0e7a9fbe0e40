"""Many at once: how many run, which wait, which are refused. And how a server ends and starts again."""
import signal
import statistics
import subprocess
import time

import pytest

from codecell import Server, containers, in_parallel, wait_for

ONE = {"CODECELL_CONCURRENCY": 1, "CODECELL_POOL": "*=0"}
SPAN = "import time\na = time.time(); time.sleep(0.4); print(a, time.time())"


def overlap(spans):
    """The most that ran at one moment."""
    events = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    most = now = 0
    for _, change in events:
        now += change
        most = max(most, now)
    return most


def test_no_more_at_once_than_the_setting(launch):
    server = launch({"CODECELL_CONCURRENCY": 3, "CODECELL_CONCURRENCY_EXTRA": 0, "CODECELL_POOL": "*=0,python=3"},
                    languages=["python"])
    keys = [server.key() for _ in range(3)]
    outputs = in_parallel([lambda key=key: server.execute(SPAN, key=key).json["stdout"] for key in keys * 3])
    assert overlap([tuple(map(float, out.split())) for out in outputs]) <= 3
    outputs = in_parallel([lambda: server.execute(SPAN, key=keys[0]).json["stdout"]] * 6)
    assert overlap([tuple(map(float, out.split())) for out in outputs]) <= 2, "a key must leave one slot to others"


def test_side_by_side(launch):
    """Three programs that wait for one another's turn would never end: they all run at the same time."""
    server = launch({"CODECELL_CONCURRENCY": 4}, languages=["bash"])
    running = [server.begin("sleep 300", "bash") for _ in range(3)]
    server.wait_status("running", 3)
    waiting = server.begin("echo 1", "bash")
    server.wait_status("pending", 1)
    running[0].leave()
    assert waiting.answer().json["stdout"] == "1\n"
    for each in running[1:]:
        each.leave()
    server.wait_status("cancelled", 3)


def test_a_full_queue_is_503_and_nothing_is_lost(launch):
    server = launch({**ONE, "CODECELL_QUEUE": 2}, languages=["bash"])
    first = server.begin("sleep 300", "bash")
    server.wait_status("running")
    waiting = [server.begin("echo waited", "bash"), server.begin("echo waited", "bash")]
    server.wait_status("pending", 2)
    for _ in range(3):
        answer = server.execute("echo no", "bash")
        assert answer.status == 503 and answer.detail
        assert int(answer.header("Retry-After")) >= 1
    first.leave()
    for each in waiting:
        result = each.answer().json
        assert result["stdout"] == "waited\n" and result["queue_time"] > 0
    assert server.output("echo again", "bash") == "again\n"


def test_the_queue_is_fair_between_keys(launch):
    server = launch({**ONE, "CODECELL_CONCURRENCY_EXTRA": 0}, languages=["bash"])
    many, few = server.key(), server.key()
    first = server.begin("sleep 300", "bash", key=many)
    server.wait_status("running", key=many)
    crowd = []
    for number in range(6):
        crowd.append(server.begin("date +%s.%N", "bash", key=many))
        server.wait_status("pending", number + 1, key=many)
    late = server.begin("date +%s.%N", "bash", key=few)
    server.wait_status("pending", 1, key=few)
    first.leave()
    times = sorted(float(each.answer().json["stdout"]) for each in crowd)
    assert float(late.answer().json["stdout"]) < times[1], "the key with one program waited for all of the other's"


def test_a_short_program_beside_another_keys_long_ones(launch, record_property):
    """One key's long programs hold all the slots that they can get and more are queued; then two further keys do the same."""
    server = launch({"CODECELL_CONCURRENCY": 4, "CODECELL_CONCURRENCY_EXTRA": 4, "CODECELL_POOL": "bash=4,*=0"},
                    languages=["bash"])
    hogs, other = [server.key() for _ in range(3)], server.key()
    crowd = [server.begin("sleep 300", "bash", key=hogs[0], timeout=300) for _ in range(8)]
    server.wait_status("running", 3, key=hogs[0])
    server.wait_status("pending", 5, key=hogs[0])
    for more in ([], hogs[1:]):
        crowd += [server.begin("sleep 300", "bash", key=key, timeout=300) for key in more for _ in range(2)]
        for key in more:
            server.wait_status("running", 1, key=key)
        times = []
        for _ in range(20):
            start = time.monotonic()
            answer = server.execute("echo 1", "bash", key=other)
            times.append(time.monotonic() - start)
            assert answer.status == 200 and answer.json["stdout"] == "1\n", answer
        told = f"p50 {statistics.median(times) * 1000:.0f} ms, worst {max(times) * 1000:.0f} ms"
        print(f"beside {1 + len(more)} keys: {told}")
        record_property(f"beside_{1 + len(more)}_keys", told)
        assert not any(each.done for each in crowd), "a long program ended, so a short one may have waited for it"
    for each in crowd:
        each.leave()


def test_within_a_key_first_come_first_served(launch):
    server = launch(ONE, languages=["bash"])
    first = server.begin("sleep 300", "bash")
    server.wait_status("running")
    waiting = []
    for number in range(4):
        waiting.append(server.begin("date +%s.%N", "bash"))
        server.wait_status("pending", number + 1)
    first.leave()
    times = [float(each.answer().json["stdout"]) for each in waiting]
    assert times == sorted(times)


def test_a_burst_of_every_language(launch):
    server = launch({"CODECELL_POOL": "*=2"})
    code = {"python": "print({})", "javascript": "console.log({})", "bash": "echo {}",
            "c": '#include <stdio.h>\nint main(void) {{ printf("%d\\n", {}); }}'}
    jobs = [(language, number) for number in range(8) for language in code]
    answers = in_parallel([lambda job=job: server.output(code[job[0]].format(job[1]), job[0]) for job in jobs])
    assert answers == [f"{number}\n" for _, number in jobs]


# The end of a server.

def test_sigterm_lets_what_runs_end(launch):
    server = launch({"CODECELL_DRAIN": 60}, languages=["bash"])
    running = server.begin("sleep 2; echo ended", "bash")
    server.wait_status("running")
    server.signal(signal.SIGTERM)
    assert running.answer().json["stdout"] == "ended\n"
    server.check_ended()


def test_while_it_drains_nothing_new_is_taken(launch):
    server = launch({"CODECELL_DRAIN": 60}, languages=["bash"])
    running = server.begin("sleep 3; echo ended", "bash")
    server.wait_status("running")
    idle = server.wire()
    idle.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").answer()
    server.signal(signal.SIGTERM)
    idle.ended()

    def refused():
        try:
            return server.execute("echo no", "bash").status == 503
        except OSError:
            return True
    wait_for("a refusal", refused)
    assert running.answer().status == 200
    server.check_ended()


def test_the_drain_has_an_end(launch):
    server = launch({"CODECELL_DRAIN": 1}, languages=["bash"])
    running = server.begin("trap '' TERM; sleep 300", "bash")
    server.wait_status("running")
    server.signal(signal.SIGTERM)
    server.check_ended()
    try:
        answer = running.answer()
        assert answer.status != 200 or answer.json["status"] == "cancelled"
    except OSError:
        pass
    server.start()
    assert [item["status"] for item in server.executions()] == ["cancelled"]


def test_a_second_sigterm_hurries(launch):
    server = launch({"CODECELL_DRAIN": 600}, languages=["bash"])
    server.begin("sleep 300", "bash")
    server.wait_status("running")
    wire = server.wire()
    server.signal(signal.SIGTERM)
    wire.ended()  # the signal has arrived
    assert server.process.poll() is None
    server.signal(signal.SIGTERM)
    server.check_ended()


def test_sigint_is_as_sigterm(launch):
    server = launch(languages=["bash"])
    server.signal(signal.SIGINT)
    server.check_ended()


def test_sighup_is_as_sigterm_and_hurries_nobody(launch):
    """A terminal that closes sends SIGHUP, and its shell sends it once more."""
    server = launch({"CODECELL_DRAIN": 60}, languages=["bash"])
    running = server.begin("sleep 3; echo ended", "bash")
    server.wait_status("running")
    for _ in range(3):
        server.signal(signal.SIGHUP)
    server.wait_event("server.draining", signal=signal.SIGHUP.value)
    server.signal(signal.SIGHUP)
    assert running.answer().json["stdout"] == "ended\n"
    server.check_ended()
    assert not server.events("server.drain_forced")


def test_under_nohup_sighup_is_nothing():
    with Server(languages=["bash"]) as server:
        server.command = ["nohup", *server.command]
        server.start().signal(signal.SIGHUP)
        assert server.output("echo 1", "bash") == "1\n"
        assert not server.events("server.draining")


def test_sigterm_before_it_is_ready(launch):
    server = launch({"DOCKER_HOST": "unix:///nonexistent"}, ready=False, languages=[])
    server.signal(signal.SIGTERM)
    server.check_ended()


# After kill -9.

def test_after_a_kill_orphans_are_removed_and_the_lost_are_marked(launch):
    server = launch({"CODECELL_POOL": "bash=2,*=0", "CODECELL_CONCURRENCY": 1}, languages=["bash"])
    done = server.run("exit 3", "bash")["execution_id"]
    server.begin("sleep 300", "bash")
    running = server.wait_status("running")[0]["execution_id"]
    server.begin("sleep 300", "bash")
    pending = server.wait_status("pending")[0]["execution_id"]
    wait_for("its cells", lambda: len(server.containers()) >= 3)
    server.kill()
    orphans = {cell["id"] for cell in server.containers()}
    assert orphans
    server.start()
    statuses = {item["execution_id"]: item["status"] for item in server.executions()}
    assert statuses == {done: "failed", running: "lost", pending: "lost"}
    wait_for("the orphans' removal", lambda: not orphans & {cell["id"] for cell in server.containers()})
    assert server.output("echo 1", "bash") == "1\n"


def test_cells_of_a_killed_server_end_by_themselves(launch):
    server = launch({"CODECELL_POOL": "bash=1,*=0"}, languages=["bash"])
    server.begin("sleep 4242", "bash")
    server.wait_status("running")
    server.kill()
    wait_for("the cells' end", lambda: server.containers(running=True) == [])
    assert subprocess.run(["pgrep", "-f", "sleep 4242"], check=False).returncode == 1


def test_killed_again_and_again(launch):
    server = launch({"CODECELL_POOL": "bash=2,*=0"}, languages=["bash"])
    for _ in range(3):
        server.kill()
        server.start()
    assert server.output("echo 1", "bash") == "1\n"


# Several servers.

def test_one_server_a_data_directory(server):
    done = server.cli("serve")
    assert done.returncode not in (0, -6, -11) and str(server.data_dir) in done.stderr
    assert server.get("/health", key=None).status == 200


def test_servers_share_an_engine(launch):
    one = launch({"CODECELL_POOL": "bash=2,*=0"}, languages=["bash"])
    one.wait_pool(bash=2)
    cells = {cell["id"] for cell in one.containers()}
    other = launch({"CODECELL_POOL": "bash=2,*=0"}, languages=["bash"])
    assert one.instance != other.instance
    assert other.output("echo 1", "bash") == "1\n"
    other.stop()
    assert {cell["id"] for cell in one.containers()} == cells
    assert one.output("echo 1", "bash") == "1\n"


@pytest.mark.parametrize("label", ["instance", "role", "language", "created"])
def test_labels(server, label):
    cells = wait_for("cells", lambda: containers(server.instance))
    assert all(cell["labels"].get("io.codecell." + label) for cell in cells)
