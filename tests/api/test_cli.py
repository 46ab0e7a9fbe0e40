"""The program on the command line: settings checked at start, config, help, version."""
import re

import pytest

from codecell import ROOT, Server

BAD = [
    ("CODECELL_LISTEN", ["", "nonsense", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:x", "unix:", "1.2.3.4.5:80",
                         "unix:/" + "x" * 200]),
    ("CODECELL_POOL", ["", "python", "python=", "python=x", "python=-1", "=1", "python=1,,bash=1", "python=1;bash=2",
                       "*=1000000"]),
    ("CODECELL_POOL_MAX", ["", "0", "5001", "x"]), ("CODECELL_POOL_MEMORY_MB", ["0", "1g"]),
    ("CODECELL_WAITING", ["", "yes", "ON"]), ("CODECELL_REUSE", ["", "on", "session"]),
    ("CODECELL_REUSE_JOBS", ["0", "10001"]), ("CODECELL_REUSE_IDLE", ["0", "2h"]),
    ("CODECELL_CONCURRENCY", ["", "0", "-1", "x", "1.5", "99999999999999999999", " 1", "1 "]),
    ("CODECELL_QUEUE", ["-1", "x"]), ("CODECELL_DRAIN", ["-1", "x", "10 parsecs"]), ("CODECELL_RATE", ["0", "1000001"]),
    ("CODECELL_MAX_CODE", ["0", "-1", "x", "1q", "99999999999g"]), ("CODECELL_MAX_STDIN", ["x"]),
    ("CODECELL_MAX_BODY", ["x", "0"]), ("CODECELL_MAX_CPU", ["0", "-1", "x", "nan", "inf"]),
    ("CODECELL_MAX_MEMORY_MB", ["0", "31", "x"]), ("CODECELL_MAX_DISK_MB", ["0"]), ("CODECELL_MAX_PROCESSES", ["7"]),
    ("CODECELL_MAX_OUTPUT_KB", ["0"]), ("CODECELL_MAX_CONNECTIONS", ["0", "x"]),
    ("CODECELL_HEADER_TIMEOUT", ["0", "x"]),
    ("CODECELL_BODY_TIMEOUT", ["x"]), ("CODECELL_IDLE_TIMEOUT", ["x"]), ("CODECELL_WRITE_TIMEOUT", ["x"]),
    ("CODECELL_KEEP", ["", "everything", "SIZES"]), ("CODECELL_RETENTION", ["x", "-1d"]),
    ("CODECELL_LOG_LEVEL", ["loud"]),
    ("CODECELL_LOG_FORMAT", ["xml"]), ("CODECELL_LANGUAGES", ["", "/nonexistent"]), ("CODECELL_DATA_DIR", [""]),
    ("DOCKER_HOST", ["nonsense", "ftp://x", "ssh://x", "unix://"]), ("CODECELL_NO_SUCH_SETTING", ["1"]),
    ("CODECELL_", ["1"]), ("CODECELL_pool", ["*=1"]),
]
CASES = [(name, value) for name, values in BAD for value in values]


@pytest.fixture(scope="module")
def off():
    """A server that is never started; the tests use its settings and its folder."""
    with Server() as one:
        yield one


@pytest.mark.parametrize("name,value", CASES, ids=[f"{name}={value[:20]}" for name, value in CASES])
def test_a_bad_setting_is_a_sentence_and_exit_status_2(off, name, value):
    done = off.cli("serve", **{name: value})
    assert done.returncode == 2, done
    assert name in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not off.data_dir.exists(), "something was made before the settings were checked"


def test_other_commands_check_the_settings_too(off):
    for args in (["config"], ["key", "list"], ["languages"]):
        done = off.cli(*args, CODECELL_QUEUE="x")
        assert done.returncode == 2 and "CODECELL_QUEUE" in done.stderr, args


@pytest.mark.parametrize("path", ["/dev/null", "/proc/codecell", "/dev/null/x"])
def test_a_data_directory_that_cannot_be(off, path):
    done = off.cli("serve", CODECELL_DATA_DIR=path)
    assert done.returncode > 0 and path in done.stderr, done


def test_a_database_that_is_none(off, tmp_path):
    (tmp_path / "d").mkdir(mode=0o700)
    made = off.cli("key", "create", "--name", "x", CODECELL_DATA_DIR=str(tmp_path / "d"))
    assert made.returncode == 0, made.stderr
    for file in (tmp_path / "d").glob("*.db"):
        file.write_bytes(b"this is no database" * 1000)
    for extra in (tmp_path / "d").glob("*.db-*"):
        extra.unlink()
    done = off.cli("serve", CODECELL_DATA_DIR=str(tmp_path / "d"))
    assert done.returncode > 0 and done.stderr.strip(), done


def test_config_names_every_setting_its_value_and_its_source(off):
    done = off.cli("config", CODECELL_QUEUE="77", CODECELL_METRICS_KEY="hidden-word")
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert "77" in rows["CODECELL_QUEUE"] and "environment" in rows["CODECELL_QUEUE"]
    assert "default" in rows["CODECELL_DRAIN"] and "*=1" in rows["CODECELL_POOL"]
    assert "hidden-word" not in done.stdout
    for name in re.findall(r"CODECELL_[A-Z_]+(?=:)", (ROOT / "server" / "config.h").read_text()):
        assert name in rows, name


def test_the_documentation_of_settings_is_the_programs(off):
    table = off.cli("config", "--markdown")
    assert table.returncode == 0 and table.stdout.strip(), table
    assert table.stdout.strip() in (ROOT / "docs" / "configuration.md").read_text()


@pytest.mark.parametrize("form", ["--version", "--help"])
def test_help_and_version_need_no_settings(off, form):
    done = off.cli(form, CODECELL_QUEUE="x")
    assert done.returncode == 0 and done.stdout and not done.stderr, done
    if form == "--version":
        assert re.fullmatch(r"codecell \d+\.\d+\.\d+\S*\n", done.stdout)
    else:
        for word in ("serve", "key create", "key list", "key revoke", "config", "languages"):
            assert word in done.stdout, word


@pytest.mark.parametrize("args", [[], ["nonsense"], ["serve", "now"], ["--nonsense"], ["config", "--nonsense"],
                                  ["languages", "x"]], ids=" ".join)
def test_an_unknown_command_is_a_sentence(off, args):
    done = off.cli(*args)
    assert done.returncode == 2 and done.stderr.strip() and not done.stdout, done


def test_durations_and_sizes_with_units(off):
    done = off.cli("config", CODECELL_DRAIN="2m", CODECELL_MAX_BODY="128k", CODECELL_RETENTION="0")
    assert done.returncode == 0, done.stderr
