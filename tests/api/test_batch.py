"""POST /api/v1/execute/batch: side by side, in order, all or none."""
import json
import time

import pytest

from codecell import UUID, wait_for

SETTINGS = {"CODECELL_CONCURRENCY": 6, "CODECELL_CONCURRENCY_EXTRA": 4}
PATH = "/api/v1/execute/batch"


def item(code="echo 1", language="bash", **fields):
    return {"code": code, "language": language, **fields}


def batch(server, items, key, **options):
    return server.request("POST", PATH, items, key=key, **options)


def test_answers_come_in_the_order_of_the_requests(server, key):
    answer = batch(server, [item(f"sleep 0.{9 - i}; echo {i}; exit {i}") for i in range(4)], key)
    assert answer.status == 200, answer
    assert [one["stdout"] for one in answer.json] == [f"{i}\n" for i in range(4)]
    assert [one["exit_code"] for one in answer.json] == list(range(4))
    assert list(answer.json[0])[:7] == ["execution_id", "stdout", "stderr", "exit_code", "execution_time", "language",
                                        "session_id"]
    assert all(UUID.fullmatch(one["execution_id"]) for one in answer.json)
    records = server.executions(key=key)
    assert {one["execution_id"] for one in answer.json} == {one["execution_id"] for one in records}


def test_side_by_side(server, key):
    one = server.connection()
    one.request("POST", PATH, json.dumps([item("sleep 300") for _ in range(4)]).encode(),
                {"X-API-Key": key, "Content-Type": "application/json"})
    server.wait_status("running", 4, key=key)
    one.close()
    server.wait_status("cancelled", 4, key=key)


def test_languages_and_evaluate_in_one_batch(server, key):
    answer = batch(server, [item("1+1", "py", evaluate=True), item("console.log(2)", "javascript"),
                            item("int main(void) { return 3 }", "c"), item("cat", stdin="x", args=["a"], colour=1)], key)
    first, second, third, fourth = answer.json
    assert (first["result"], first["language"]) == ("2", "python") and "result" not in second
    assert second["stdout"] == "2\n" and third["status"] == "compile_failed" and fourth["stdout"] == "x"
    assert fourth["warnings"] == ["unknown field: colour"] and first["warnings"] == []


def test_a_timeout_is_one_items(server, key):
    answer = batch(server, [item(), item("echo before; sleep 60", timeout=5), item("exit 2")], key)
    assert answer.status == 200
    timeout = answer.json[1]
    assert timeout["detail"] == "Execution failed: container timeout"
    assert (timeout["exit_code"], timeout["stdout"], timeout["timed_out"]) == (124, "before\n", True)
    assert "detail" not in answer.json[0] and "detail" not in answer.json[2]


@pytest.mark.parametrize(("items", "detail"), [
    ([item()] * 11, "Maximum 10 executions allowed in a batch"),
    ([item()] * 100000, "Maximum 10 executions allowed in a batch"),
    ([], "the body must be an array of 1 to 10 requests"),
    ({"code": "x"}, "the body must be an array of 1 to 10 requests"),
    ([item(), 7], "[1]: must be an object"),
    ([item(), None], "[1]: must be an object"),
    ([item(), item(), item(), item(timeout=0)], "[3].timeout: must be an integer from 1 to 300"),
    ([item(), {"language": "bash"}], "[1].code: is required"),
    ([item(files=[{"path": "../x", "content": ""}])], "[0].files[0].path: must be a relative path"),
    ([item(), item(limits={"memory_mb": 1})], "[1].limits.memory_mb: must be"),
    ([item(), item("x", "klingon")], "[1]: Unsupported language: klingon. Supported languages: "),
    ([item(), item("x", "python", version="2.3")], "[1].version: no Python 2.3"),
    ([item(), item(evaluate=True)], "[1].evaluate: Bash does not support it"),
    ([item(stream=True)], "[0].stream: only POST /api/v1/execute takes it"),
    (b"[", "malformed JSON"),
    (b'[{"code": "x", "code": "y", "language": "bash"}]', "name given twice"),
])
def test_an_invalid_item_refuses_the_batch_before_anything_runs(server, key, items, detail):
    answer = batch(server, items, key)
    assert answer.status == 400 and answer.detail.startswith(detail), answer
    assert server.executions(key=key) == []


def test_the_most(server, key):
    answer = batch(server, [item(f"echo {i}") for i in range(10)], key)
    assert [one["stdout"] for one in answer.json] == [f"{i}\n" for i in range(10)]


def test_each_execution_counts_against_the_rate(server):
    key, begin = server.key(rate=20), time.monotonic()

    def left(answer):
        """How many are left, and how many of these may have come back meanwhile: one in 3 s."""
        assert answer.status == 200
        return int(answer.header("X-RateLimit-Remaining")), (time.monotonic() - begin) / 3
    remaining, back = left(batch(server, [item() for _ in range(9)], key))
    assert 11 <= remaining <= 11 + back
    assert batch(server, [item(timeout=0)] * 9, key).status == 400  # counts as one
    remaining, back = left(batch(server, [item() for _ in range(10)], key))
    assert remaining <= back


def test_the_rate_is_for_all_or_none(server):
    key = server.key(rate=10)
    assert batch(server, [item() for _ in range(5)], key).status == 200
    answer = batch(server, [item() for _ in range(10)], key)  # one comes back in 6 s
    assert answer.status == 429 and int(answer.header("Retry-After")) >= 1
    assert int(answer.header("X-RateLimit-Remaining")) in range(4, 10), answer.headers
    assert len(server.executions(key=key)) == 5


def test_credits_are_for_all_or_none(server):
    key = server.key(credits="5")
    assert batch(server, [item() for _ in range(3)], key).status == 200
    answer = batch(server, [item() for _ in range(3)], key)
    assert answer.status == 402 and answer.detail == "Out of credits"
    assert len(server.executions(key=key)) == 3
    assert batch(server, [item(), item("exit 1")], key).status == 200
    assert batch(server, [item()], key).status == 402


def test_a_client_that_leaves_ends_all(server, key):
    connection = server.connection()
    body = b'[{"code": "sleep 300", "language": "bash"}, {"code": "sleep 300", "language": "bash"}]'
    connection.request("POST", PATH, body, {"X-API-Key": key, "Content-Type": "application/json"})
    server.wait_status("running", 2, key=key)
    connection.close()
    server.wait_status("cancelled", 2, key=key)


def test_a_full_queue_is_its_items(launch):
    server = launch({"CODECELL_CONCURRENCY": 1, "CODECELL_CONCURRENCY_EXTRA": 0, "CODECELL_QUEUE": 1,
                     "CODECELL_POOL": "*=0"}, languages=["bash"])
    answer = batch(server, [item("sleep 1; echo 1") for _ in range(4)], server.any_key)
    assert answer.status == 200
    ran = [one["stdout"] for one in answer.json if "stdout" in one]
    refused = [one["detail"] for one in answer.json if "stdout" not in one]
    assert ran == ["1\n"] * 2 and refused == ["The queue is full. Please try again later."] * 2


def test_large_answers(server, key):
    answer = batch(server, [item(f"head -c 900000 /dev/zero | tr '\\0' {letter}") for letter in "abc"], key)
    assert [one["stdout"] for one in answer.json] == [letter * 900000 for letter in "abc"]


def test_the_record_of_a_cancelled_execution(server, key):
    running = server.begin("sleep 300", "bash", key=key)
    id_ = server.wait_status("running", key=key)[0]["execution_id"]
    answer = server.request("DELETE", f"/api/v1/executions/{id_}", key=key)
    assert answer.status == 200
    assert (answer.json["execution_id"], answer.json["status"]) == (id_, "cancelled") and answer.json["completed_at"]
    assert running.answer().json["status"] == "cancelled"
    wait_for("its end", lambda: server.request("DELETE", f"/api/v1/executions/{id_}", key=key).status == 409)
