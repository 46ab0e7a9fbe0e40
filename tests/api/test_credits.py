"""Credits of prepaid keys: what ran takes one, what did not run takes none, and never more than there are."""
from concurrent.futures import ThreadPoolExecutor

RUN = {"code": "print(1)", "language": "bash"}
FAILS = {"code": "exit 3", "language": "bash"}


def left(server, key):
    """The credits that `key list` shows for the key."""
    rows = [line for line in server.cli("key", "list").stdout.splitlines() if key[3:11] in line.split()]
    return rows[0].split()[server.cli("key", "list").stdout.splitlines()[0].split().index("CREDITS")]


def test_each_run_takes_one_until_none_is_left(server):
    key = server.key(credits="2")
    assert server.post(RUN, key=key).status == 200
    assert server.post(FAILS, key=key).status == 200
    answer = server.post(RUN, key=key)
    assert (answer.status, answer.detail) == (402, "Out of credits")
    assert left(server, key) == "0"


def test_what_does_not_run_takes_none(server):
    key = server.key(credits="1")
    assert server.post({"code": "x", "language": "nothing"}, key=key).status == 400
    assert server.post({"code": "", "language": "bash"}, key=key).status == 400
    assert server.post({**RUN, "limits": {"memory_mb": 1}}, key=key).status == 400
    assert left(server, key) == "1"
    assert server.post(RUN, key=key).status == 200


def test_many_at_once_take_no_more_than_there_are(server):
    key = server.key(credits="5")
    with ThreadPoolExecutor(12) as threads:
        statuses = list(threads.map(lambda _: server.post(RUN, key=key).status, range(12)))
    assert sorted(statuses) == [200] * 5 + [402] * 7
    assert left(server, key) == "0"


def test_a_key_without_credits_is_not_counted(server):
    key = server.key()
    assert server.post(RUN, key=key).status == 200
    assert left(server, key) == "-"
