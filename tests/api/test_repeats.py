"""Idempotency-Key: the same request gets the same answer, and a run is run once."""
import pytest

from codecell import in_parallel, wait_for

PATH = "/api/v1/execute"
BODY = {"code": "echo $RANDOM$RANDOM", "language": "bash"}


def ask(server, key, text, body=None, path=PATH, **headers):
    return server.request("POST", path, BODY if body is None else body, key=key,
                          headers={"Idempotency-Key": text, **headers})


def test_the_same_answer_again(server, key):
    first, again = ask(server, key, "one"), ask(server, key, "one")
    assert first.status == again.status == 200
    assert first.body == again.body
    assert first.header("Idempotency-Replayed") is None and again.header("Idempotency-Replayed") == "true"
    assert again.header("Content-Type") == "application/json"
    assert len(server.executions(key=key)) == 1
    assert ask(server, key, "two").body != first.body


def test_it_is_the_keys_own(server, key):
    assert ask(server, key, "one").body != ask(server, server.key(), "one").body


def test_another_body_or_route(server, key):
    assert ask(server, key, "one").status == 200
    other = ask(server, key, "one", {**BODY, "stdin": ""})
    assert (other.status, other.detail) == (422, "Idempotency-Key: it came with another request before")
    batch = ask(server, key, "one", [BODY], "/api/v1/execute/batch")
    assert batch.status == 422
    spaced = ask(server, key, "one", b'{"code": "echo $RANDOM$RANDOM",  "language": "bash"}')
    assert spaced.status == 422, "the body's bytes count"


def test_a_batch(server, key):
    first = ask(server, key, "b", [BODY, BODY], "/api/v1/execute/batch")
    again = ask(server, key, "b", [BODY, BODY], "/api/v1/execute/batch/")
    assert first.body == again.body and again.header("Idempotency-Replayed") == "true"
    assert len(server.executions(key=key)) == 2


def test_one_still_under_way(server, key):
    raw = b'{"code": "sleep 300", "language": "bash"}'
    connection = server.connection()
    connection.request("POST", PATH, raw,
                       {"X-API-Key": key, "Content-Type": "application/json", "Idempotency-Key": "slow"})
    server.wait_status("running", key=key)
    answer = ask(server, key, "slow", raw)
    assert (answer.status, answer.header("Retry-After")) == (409, "1")
    assert ask(server, key, "slow").status == 422
    connection.close()  # ends the run: the same request may come again
    server.wait_status("cancelled", key=key)
    short = ask(server, key, "slow", b'{"code": "sleep 0", "language": "bash"}')
    assert short.status == 200, short


def test_a_timeout_and_an_exit_code_are_kept(server, key):
    slow = {"code": "echo $RANDOM; sleep 60", "language": "bash", "timeout": 1}
    first, again = ask(server, key, "t", slow), ask(server, key, "t", slow)
    assert first.status == again.status == 500 and first.body == again.body
    bad = {"code": "exit 7", "language": "bash"}
    assert ask(server, key, "e", bad).body == ask(server, key, "e", bad).body


def test_refusals_are_not_kept(server, key):
    wrong = {"code": "echo 1", "language": "klingon"}
    for _ in range(2):
        answer = ask(server, key, "r", wrong)
        assert answer.status == 400 and answer.header("Idempotency-Replayed") is None
    assert ask(server, key, "r").status == 200
    poor = server.key(credits="1")
    assert ask(server, poor, "a").status == 200
    assert ask(server, poor, "b").status == 402
    assert ask(server, poor, "a").header("Idempotency-Replayed") == "true"


@pytest.mark.parametrize("text", ["", " ", "a b", "x" * 256, "\xe9", "\t"])
def test_a_header_that_is_wrong(server, key, text):
    answer = ask(server, key, text)
    assert (answer.status, answer.detail) == (400, "Idempotency-Key: must be 1 to 255 visible ASCII characters")


def test_the_longest(server, key):
    assert ask(server, key, "~" * 255).body == ask(server, key, "~" * 255).body


def test_with_a_stream_it_is_400(server, key):
    assert ask(server, key, "s", Accept="text/event-stream").status == 400


def test_a_restart_keeps_answers_and_forgets_what_was_under_way(launch):
    server = launch({"CODECELL_POOL": "*=0"}, languages=["bash"])
    first = ask(server, server.any_key, "kept")
    raw = b'{"code": "sleep 300", "language": "bash"}'
    connection = server.connection()
    connection.request("POST", PATH, raw, {"X-API-Key": server.any_key, "Content-Type": "application/json",
                                           "Idempotency-Key": "lost"})
    server.wait_status("running")
    server.kill()
    server.start()
    assert ask(server, server.any_key, "kept").body == first.body
    again = wait_for("the old row's end", lambda: ask(server, server.any_key, "lost").status != 409)
    assert again
    assert len(server.database("select 1 from idempotency where status is not null")) == 2


def test_many_at_once_run_once(server, key):
    answers = in_parallel([lambda: ask(server, key, "same")] * 8)
    assert {answer.status for answer in answers} <= {200, 409}
    assert len({answer.body for answer in answers if answer.status == 200}) == 1
    assert len(server.executions(key=key)) == 1
