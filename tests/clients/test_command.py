"""The commands of `codecell` that are clients: run, languages --remote, sessions, push and pull."""
import json
import os
import subprocess

import pytest

from codecell import BIN


@pytest.fixture(scope="module")
def client(served, tmp_path_factory):
    """client(ARGUMENTS…, stdin=…, env=…) runs the command as a user who has a key; a CompletedProcess."""
    folder = tmp_path_factory.mktemp("command")
    known = {"PATH": os.environ["PATH"], "HOME": str(folder), "CODECELL_URL": f"http://{served.address}",
             "CODECELL_KEY": served.key("command", rate=1000)}

    def run(*arguments, stdin="", env=None, cwd=folder):
        return subprocess.run([BIN, *map(str, arguments)], input=stdin, env=known if env is None else env, cwd=cwd,
                              capture_output=True, text=True, timeout=60, check=False)
    run.folder, run.known = folder, known
    return run


@pytest.mark.parametrize("name, code, options, said", [
    ("hello.py", "import sys; print(input(), sys.argv[1:], __import__('os').environ['A'])", ["--env", "A=b"],
     "World ['x', '--json'] b\n"),
    ("script", "#!/usr/bin/env -S bash\ncat; echo \"$@\"", [], "World\nx --json\n"),
    ("other.txt", "print(open('part.py').read())", ["--language", "python", "--file", "part.py"], "# part\n\n"),
    ("slow.sh", "echo early; sleep 60", ["--timeout=5"], "early\n"),
])
def test_run_as_json(client, name, code, options, said):
    (client.folder / "part.py").write_text("# part\n")
    (client.folder / name).write_text(code)
    done = client("run", "--json", *options, name, "x", "--json", stdin="World\n")
    answer = json.loads(done.stdout)
    assert answer["stdout"] == said
    assert done.returncode == answer["exit_code"] == (124 if "slow" in name else 0)


def test_a_program_on_standard_input(client):
    done = client("run", "--language", "bash", "-", "one", stdin="echo $1; echo bad >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == ("one\n", "bad\n", 7)


def test_output_comes_before_the_end(client):
    """Each piece is there as soon as the program has written it, and ending the command ends the program."""
    (client.folder / "slow-stream.sh").write_text("echo first; sleep 30; echo last")
    with subprocess.Popen([BIN, "run", "slow-stream.sh"], env=client.known, cwd=client.folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "first\n"
        assert running.poll() is None
        running.terminate()


@pytest.mark.parametrize("code, options, status, sentence", [
    ("sleep 9", ["--timeout", "1"], 124, "codecell: Execution failed: container timeout\n"),
    ("kill -9 $$", [], 137, ""), ("echo", ["--version", "1"], 125, "codecell: "),
])
def test_how_it_ends(client, code, options, status, sentence):
    (client.folder / "ends.sh").write_text(code)
    done = client("run", *options, "ends.sh")
    assert done.returncode == status and done.stderr.startswith(sentence)


def test_languages(client):
    lines = client("languages", "--remote").stdout.splitlines()
    assert lines[0].split() == ["ID", "VERSION", "ALIASES"]
    assert any(line.split()[0] == "python" and line.split()[1].startswith("3.") for line in lines[1:])


def test_sessions(client):
    assert client("sessions", "create", "--id", "of-the-command", "--ttl", 60).stdout == "of-the-command\n"
    rows = [line.split() for line in client("sessions", "list").stdout.splitlines()]
    assert rows[0][0] == "SESSION" and ["of-the-command", "tracking"] in [row[:2] for row in rows]
    assert client("sessions", "delete", "of-the-command").stdout == "Session of-the-command cleaned up\n"
    again = client("sessions", "delete", "of-the-command")
    assert again.returncode == 1 and again.stderr.startswith("codecell: ")


def test_settings_from_a_file(client, served):
    (client.folder / ".config").mkdir()
    (client.folder / ".config/codecell").write_text(f"CODECELL_KEY={client.known['CODECELL_KEY']}\n"
                                                    f"CODECELL_URL=http://{served.address}/\n")
    bare = {"PATH": os.environ["PATH"], "HOME": str(client.folder)}
    assert client("sessions", "list", env=bare).returncode == 0
    wrong = client("sessions", "list", env={**bare, "CODECELL_KEY": "cc_wrong"})
    assert wrong.returncode == 1 and "Invalid API key" in wrong.stderr


@pytest.mark.parametrize("arguments, status, sentence", [
    (["run"], 2, "a file is missing"), (["run", "--no-such"], 2, "unknown option: --no-such"),
    (["run", "/nonexistent.py"], 125, "/nonexistent.py: No such file or directory"),
    (["run", "--env", "A", "/dev/null"], 2, "name its --language"), (["push", "one"], 2, "SESSION PATH [TO]"),
    (["run", "--json", "--env", "A", "--language", "bash", "/dev/null"], 2, "--env takes NAME=VALUE"),
])
def test_wrong_calls(client, arguments, status, sentence):
    done = client(*arguments)
    assert done.returncode == status and sentence in done.stderr


COMMANDS = ["serve", "key create", "key list", "key revoke", "config", "languages", "run", "repl", "sessions list",
            "sessions create", "sessions delete", "push", "pull", "health", "mcp"]


def test_help_of_each(client):
    """Each says what it does, as the whole help does, and has an example that begins with the command."""
    everything = client("--help").stdout
    assert [line for line in everything.splitlines() if line.startswith("  codecell ")][len(COMMANDS):] == [
        "  codecell --version", "  codecell --help"]
    for words in COMMANDS:
        text = client(*words.split(), "--help").stdout
        about, example = text.split("\n\nFor example:\n")
        assert about.startswith(f"  codecell {words}") and about in everything
        assert f"codecell {words}" in example


def test_help_of_a_group(client):
    lines = client("sessions", "--help").stdout.splitlines()
    assert [line.split()[1:3] for line in lines[::2]] == [["sessions", "list"], ["sessions", "create"], ["sessions", "delete"]]
