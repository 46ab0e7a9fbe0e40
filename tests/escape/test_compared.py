"""What a program can reach in a capsule and in a container of its own, call by call and file by file: the same, but for what
is listed here."""
import re

import pytest

import reach

LIMITS = {"output_kb": 4096, "processes": 64}

# (name, result in a container > result in a capsule)
EXPECTED = [(re.compile(name), re.compile(pair)) for name, pair in (
    # A capsule knows the program's own user and no other, so other numbers are no users there.
    (r"(id set(re|res)?[ug]id|chown|chgrp) (0|1|next|nobody)|call \w+ \d+", "EPERM > EINVAL"),
    # /dev is read-only, because the next job has the same.
    (r"(fchmod|xattr) (null|urandom)( .*)?", r"(EPERM|EINVAL|EOPNOTSUPP) > EROFS"),
    # The pseudo-terminals are the capsule's own, and their multiplexer belongs to its user.
    (r"fchmod ptmx", "EPERM > done"), (r"fcntl ptmx 1036", "EPERM > EFAULT"),
    # Of the cgroup there are the limits, and of the network's settings what belongs to any user's network.
    (r"/sys/fs/cgroup/.* [df]|/proc/sys/net/(core|ipv6/route)/\w+ f", r"\S+ > missing"),
)]


def reached(servers, code, language):
    """What programs reach in a capsule, and in a container."""
    got = []
    for isolation in ("capsule", "container"):
        result = servers[isolation].run(code, language, timeout=120, limits=LIMITS)
        assert (result["exit_code"], result["stderr"], result["stdout_truncated"]) == (0, "", False), result
        got.append(reach.read(result["stdout"]))
        assert len(got[-1]) > 100
    return got


def differences(capsule, container):
    """{name: "its result in a container > in a capsule"}, except those that are expected"""
    found = {name: f"{container.get(name, 'missing')} > {capsule.get(name, 'missing')}"
             for name in {*capsule, *container} if capsule.get(name) != container.get(name)}
    return {name: pair for name, pair in found.items()
            if not any(names.fullmatch(name) and pairs.fullmatch(pair) for names, pairs in EXPECTED)}


def lasting_differences(servers, code, language):
    """Those that are there again: on a busy machine a call that does not wait may seem to."""
    found = differences(*reached(servers, code, language))
    again = differences(*reached(servers, code, language)) if found else {}
    return {name: pair for name, pair in found.items() if again.get(name) == pair}


@pytest.mark.parametrize("part", reach.CALL_PARTS)
def test_no_call_reaches_more(servers, part):
    wrong = lasting_differences(servers, reach.calls(part), "c")
    assert not wrong, wrong


def test_no_file_is_open_that_was_not(servers):
    wrong = lasting_differences(servers, reach.FILES, "python")
    assert not wrong, wrong
