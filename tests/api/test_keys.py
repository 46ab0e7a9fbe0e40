"""Keys: made, listed and revoked with the command while the server runs."""
import datetime
import re
import stat

import pytest

from codecell import wait_for

RUN = {"code": "print(1)", "language": "bash"}


def row_of(server, key):
    """The line of `key list` about this key."""
    listing = server.cli("key", "list")
    assert listing.returncode == 0, listing.stderr
    rows = [line for line in listing.stdout.splitlines() if key[3:11] in line.split()]
    assert len(rows) == 1, listing.stdout
    return rows[0]


def test_a_key_works_at_once(server):
    assert server.get("/api/v1/sessions", key=server.key()).status == 200


def test_the_list_names_each_key_but_not_its_secret(server):
    keys = [server.key(name=f"Müller & Söhne {i}") for i in range(3)]
    listing = server.cli("key", "list").stdout
    for key in keys:
        assert key[3:11] in listing and key[11:] not in listing
    assert "Müller & Söhne 2" in row_of(server, keys[2])


def test_the_list_shows_rate_scopes_and_expiry(server):
    key = server.key(rate=1234, scopes="read", expires="2099-01-02T03:04:05Z")
    row = row_of(server, key)
    assert "1234" in row and "read" in row and "execute" not in row and "2099-01-02" in row


def test_the_list_shows_reuse(server):
    for reuse in ("off", "key", "any"):
        assert row_of(server, server.key(reuse=reuse)).split().count(reuse) == 1
    words = row_of(server, server.key()).split()
    assert "-" in words and "off" not in words and "key" not in words


def test_the_list_shows_face_and_credits(server):
    heads = server.cli("key", "list").stdout.splitlines()[0].split()
    assert heads == ["ID", "NAME", "SCOPES", "RATE", "CREDITS", "REUSE", "FACE", "CREATED", "EXPIRES", "STATE"]
    row = row_of(server, server.key(face="piston", credits="250")).split()
    assert (row[heads.index("CREDITS")], row[heads.index("FACE")]) == ("250", "piston")
    row = row_of(server, server.key(credits="0")).split()
    assert (row[heads.index("CREDITS")], row[heads.index("FACE")]) == ("0", "-")
    assert row_of(server, server.key()).split()[heads.index("CREDITS")] == "-"


@pytest.mark.parametrize("option, value, sentence", [
    ("face", "pistons", "--face: there is no face pistons"),
    ("face", "", "--face: there is no face "),
    ("credits", "-1", '--credits: must be an integer from 0 to 1000000000000, not "-1"'),
    ("prefix", "x_", "prefix: must be cc_, uc-, gw_ or a402_")])
def test_a_wrong_option_makes_no_key(server, option, value, sentence):
    done = server.cli("key", "create", "--name", "n", f"--{option}", value)
    assert (done.returncode, done.stdout) == (2, "") and sentence in done.stderr


def test_each_prefix_is_accepted(server):
    for prefix in ("uc-", "gw_", "a402_"):
        key = server.key(prefix=prefix)
        for other in ("cc_", "uc-", "gw_", "a402_"):
            assert server.get("/api/v1/sessions", key=other + key[len(prefix):]).status == 200
        assert server.get("/api/v1/sessions", key="xx_" + key[len(prefix):]).status == 401


def test_a_revoked_key_is_refused_at_once(server):
    key, other = server.key(), server.key()
    connection = server.connection()
    assert server.get("/api/v1/sessions", key=key, connection=connection).status == 200
    done = server.cli("key", "revoke", key[3:11])
    assert done.returncode == 0, done.stderr
    answer = server.get("/api/v1/sessions", key=key, connection=connection)
    assert (answer.status, answer.detail) == (401, "Invalid API key")
    connection.close()
    assert server.get("/api/v1/sessions", key=other).status == 200
    assert "revoked" in row_of(server, key).lower()
    assert server.cli("key", "revoke", key[3:11]).returncode == 0


def test_an_expired_key_is_refused(server):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=10)
    key = server.key(expires=soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert server.get("/api/v1/sessions", key=key).status == 200
    wait_for("the key's end", lambda: server.get("/api/v1/sessions", key=key).status == 401)
    assert datetime.datetime.now(datetime.timezone.utc) >= soon.replace(microsecond=0)


def test_a_new_key_has_the_default_rate_and_scopes(server):
    done = server.cli("key", "create", "--name", "plain")
    key = done.stdout.strip()
    answer = server.get("/api/v1/executions", key=key)
    assert (answer.status, answer.header("X-RateLimit-Limit")) == (200, "100")
    assert server.post(RUN, key=key).status == 200


def test_the_default_rate_is_a_setting(server):
    key = server.cli("key", "create", "--name", "plain", CODECELL_RATE="7").stdout.strip()
    assert server.get("/api/v1/executions", key=key).header("X-RateLimit-Limit") == "7"


@pytest.mark.parametrize("arguments", [
    ["create"], ["create", "--name"], ["create", "--name", ""], ["create", "--name", "x" * 101],
    ["create", "--name", "a", "--rate", "0"], ["create", "--name", "a", "--rate", "1000001"],
    ["create", "--name", "a", "--rate", "ten"], ["create", "--name", "a", "--rate", "10x"],
    ["create", "--name", "a", "--scopes", "root"], ["create", "--name", "a", "--scopes", ""],
    ["create", "--name", "a", "--expires", "soon"], ["create", "--name", "a", "--what", "x"],
    ["create", "--name", "a", "--reuse", "on"], ["create", "--name", "a", "--reuse", ""], ["revoke"],
    ["revoke", "aaaaaaaa"], ["revoke", ""], ["what"], [],
], ids=" ".join)
def test_bad_commands_are_a_sentence_and_make_nothing(server, arguments):
    before = server.cli("key", "list").stdout
    done = server.cli("key", *arguments)
    assert done.returncode != 0 and done.stderr.strip() and done.stdout == "", done
    assert "Sanitizer" not in done.stderr
    assert server.cli("key", "list").stdout == before


def test_the_secret_is_stored_nowhere(server):
    key = server.key()
    assert server.post(RUN, key=key).status == 200
    for file in server.data_files():
        assert key[11:].encode() not in file.read_bytes(), file


def test_the_data_directory_is_the_owners_alone(server):
    for path in [server.data_dir, *server.data_dir.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0, f"{path}: {mode:o}"


def test_keys_outlive_a_restart(launch):
    server = launch(languages=[])
    key, gone = server.key(), server.key()
    server.cli("key", "revoke", gone[3:11])
    server.stop()
    server.start()
    assert server.get("/api/v1/sessions", key=key).status == 200
    assert server.get("/api/v1/sessions", key=gone).status == 401


def test_keys_can_be_made_before_the_server_ever_ran(launch):
    server = launch(languages=[])
    server.stop()
    key = server.key()
    assert re.fullmatch(r"cc_[0-9A-Za-z]{40}", key)
    server.start()
    assert server.get("/api/v1/sessions", key=key).status == 200


def test_a_key_may_have_a_lower_maximum_of_timeout(server):
    key = server.key(**{"max-timeout": "5"})
    assert server.post({**RUN, "timeout": 5}, key=key).status == 200
    assert server.post(RUN, key=key).status == 200, "the default is no more than the maximum"
    answer = server.post({**RUN, "timeout": 6}, key=key)
    assert (answer.status, answer.detail) == (400, "timeout: must be an integer from 1 to 5")
