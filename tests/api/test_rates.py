"""The rate of a key: GCRA with the rate as its burst, exact at its edge, shown in headers, kept over a restart."""
import re
import time

import pytest

from codecell import in_parallel, wait_for

LIMITED = "Rate limit exceeded. Please try again later."


def refused(server, key):
    """A request that counts and runs nothing (400): its answer."""
    return server.post(b"{", key=key)


def told(answer):
    """(limit, remaining, reset) from the headers, which must agree with each other."""
    limit, remaining, reset = (int(answer.header("X-RateLimit-" + name)) for name in ("Limit", "Remaining", "Reset"))
    policy = re.fullmatch(r'"default";q=(\d+);w=60', answer.header("RateLimit-Policy"))
    state = re.fullmatch(r'"default";r=(\d+);t=(\d+)', answer.header("RateLimit"))
    assert policy and state, answer
    assert (int(policy[1]), int(state[1])) == (limit, remaining), answer
    return limit, remaining, reset


@pytest.mark.parametrize("rate", [1, 2, 5])
def test_exactly_the_rate_at_once(server, rate):
    key = server.key(rate=rate)
    answers = [refused(server, key) for _ in range(rate + 2)]
    assert [answer.status for answer in answers] == [400] * rate + [429, 429]
    assert [told(answer)[:2] for answer in answers] == [(rate, max(rate - 1 - i, 0)) for i in range(rate + 2)]
    assert answers[-1].detail == LIMITED
    assert 1 <= int(answers[-1].header("Retry-After")) <= 60 // rate
    assert answers[0].header("Retry-After") is None


def test_then_one_every_so_often_and_refusals_do_not_count(server):
    rate = 30
    key = server.key(rate=rate)
    begin, seen = time.monotonic(), []
    wait_for("two more", lambda: seen.append(refused(server, key).status) or seen.count(400) == rate + 2)
    assert time.monotonic() - begin >= 2 * 60 / rate and 429 in seen  # two in less time would be too many
    last = refused(server, key).status
    assert last == 429 or time.monotonic() - begin >= 3 * 60 / rate


def test_reset_says_when_the_burst_is_back(server):
    key = server.key(rate=5)
    before = time.time()
    for used in (1, 2, 3):
        reset = told(refused(server, key))[2]
        assert used * 12 - 2 <= reset - before <= used * 12 + 12
    limited = [refused(server, key) for _ in range(3)][-1]
    assert limited.status == 429 and 55 <= told(limited)[2] - before <= 72


def test_time_to_wait_in_the_draft_header(server):
    key = server.key(rate=5)
    for _ in range(5):
        answer = refused(server, key)
    assert 0 <= int(re.search(r"t=(\d+)", answer.header("RateLimit"))[1]) <= 60
    limited = refused(server, key)
    assert 1 <= int(re.search(r"t=(\d+)", limited.header("RateLimit"))[1]) <= 60


def test_what_does_not_run_does_not_count(server):
    key = server.key(rate=3)
    for path in ("/api/v1/executions", "/api/v1/sessions", "/api/v1/sessions/x", "/api/v1/executions/x") * 3:
        assert told(server.get(path, key=key))[:2] == (3, 3)
    assert told(refused(server, key))[:2] == (3, 2)
    assert told(server.get("/api/v1/executions", key=key))[:2] == (3, 2)


def test_reading_goes_on_when_the_rate_is_used_up(server):
    key = server.key(rate=1)
    assert [refused(server, key).status for _ in range(2)] == [400, 429]
    answer = server.get("/api/v1/executions", key=key)
    assert answer.status == 200 and told(answer)[:2] == (1, 0)


def test_reading_has_a_rate_of_its_own(server):
    """600 at once, or six times the key's rate, then 429. The headers still show the rate of executions."""
    key, connection = server.key(rate=5), server.connection()
    read = lambda: server.get("/api/v1/sessions/x", key=key, connection=connection)
    answers = [read() for _ in range(600)]
    assert {answer.status for answer in answers} == {404}
    refused_one = wait_for("a refusal", lambda: (answer := read()).status == 429 and answer, 200)
    assert refused_one.detail == LIMITED and int(refused_one.header("Retry-After")) == 1
    assert told(refused_one)[:2] == (5, 5)
    answer = server.post({"code": ":", "language": "bash"}, key=key)
    assert answer.status == 200 and told(answer)[:2] == (5, 4)
    wait_for("the next one", lambda: read().status == 404)
    assert server.get("/api/v1/sessions/x", key=server.key(rate=5)).status == 404
    connection.close()


def test_what_is_refused_for_its_body_counts(server):
    key = server.key(rate=4)
    server.post({"code": "", "language": "python"}, key=key)
    server.post({"code": "1", "language": "invalid"}, key=key)
    server.post(b"{}", key=key, headers={"Content-Type": "text/plain"})
    answer = server.post({"code": ":", "language": "bash"}, key=key)
    assert answer.status == 200 and told(answer)[:2] == (4, 0)
    assert refused(server, key).status == 429


def test_a_timeout_carries_the_headers(server):
    key = server.key(rate=5)
    answer = server.post({"code": "sleep 9", "language": "bash", "timeout": 1}, key=key)
    assert answer.status == 500 and told(answer)[:2] == (5, 4)


def test_each_key_has_a_rate_of_its_own(server):
    one, other = server.key(rate=1), server.key(rate=1)
    assert [refused(server, one).status for _ in range(2)] == [400, 429]
    assert refused(server, other).status == 400


def test_without_a_key_there_are_no_headers(server):
    for path in ("/health", "/api/v1/languages", "/api/v1/sessions"):
        answer = server.get(path, key=None)
        assert answer.header("X-RateLimit-Limit") is None and answer.header("RateLimit") is None


def test_the_greatest_rate(server):
    key = server.key(rate=1000000)
    assert told(refused(server, key))[0] == 1000000


def test_side_by_side_no_more_than_the_rate_get_through(server):
    key = server.key(rate=5)
    got = in_parallel([lambda: refused(server, key).status] * 16)
    assert sorted(got) == [400] * 5 + [429] * 11


def test_the_state_survives_a_restart(launch):
    server = launch(languages=[])
    key = server.key(rate=2)
    assert [refused(server, key).status for _ in range(3)] == [400, 400, 429]
    server.stop()
    server.start()
    assert refused(server, key).status == 429
