"""Several versions of one language: which one a request gets, and what the server says of them."""
import json

import pytest

from codecell import Server, docker, linked_languages, wait_for

SHOW = 'echo "$WHICH $0 $*"'

# Five versions, of which the engine has the images of four; the file's own is not the newest.
DUO = {
    "id": "duo", "name": "Duo", "aliases": ["two"], "image": "codecell/bash", "file": "main.duo",
    "run": {"argv": ["/usr/bin/bash", "main.duo"]}, "environment": {"WHICH": "first"},
    "version": {"argv": ["/usr/bin/echo", "duo 1.9.3 (first)"]}, "packages": {"argv": ["/usr/bin/echo", "left-pad 1.0"]},
    "example": {"code": SHOW + "\n", "stdout": "second main.duo \n"},
    "versions": [
        {"image": "codecell/python", "aliases": ["duo1.10"], "environment": {"WHICH": "second"},
         "version": {"argv": ["/usr/bin/echo", "duo 1.10.0"]}, "packages": {"argv": ["/usr/bin/echo", "left-pad 1.1"]}},
        {"image": "codecell/there-is-no-such-image", "aliases": ["duo3"], "version": {"argv": ["/usr/bin/echo", "3.0"]}},
        {"name": "snake", "image": "codecell/python", "aliases": ["snake"], "packages": None,
         "run": {"argv": ["/usr/bin/python3", "main.duo"]}, "waiting": True,
         "version": {"argv": ["/usr/bin/python3", "--version"]}},
        {"name": "check", "image": "codecell/bash", "environment": {},
         "compile": {"argv": ["/usr/bin/bash", "-n", "main.duo"]}, "version": {"argv": ["/usr/bin/echo", "0.1"]}},
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A value of CODECELL_LANGUAGES with nothing but bash and duo."""
    path = tmp_path_factory.mktemp("languages")
    (path / "duo").mkdir()
    (path / "duo" / "language.json").write_text(json.dumps(DUO))
    return f"{linked_languages(path / '.images', ['bash'])}:{path}"


@pytest.fixture(scope="module")
def duo(folder):
    with Server({"CODECELL_LANGUAGES": folder, "CODECELL_POOL": "*=0"}, languages=["bash", "duo"]) as one:
        one.start()
        wait_for("all five", lambda: len(one.events("language.offered", language="duo")) == 4
                 and one.events("language.unavailable", language="duo"))
        yield one


def told(server):
    answer = server.get("/api/v1/languages/duo", key=None)
    assert answer.status == 200, answer
    return answer.json


def test_what_is_told(duo):
    language = told(duo)
    snake = language["versions"][-1]
    assert language["version"] == "1.10.0"
    assert language["versions"] == ["1.10.0", "1.9.3", "check-0.1", snake] and snake.startswith("snake-3.")
    assert language["aliases"] == ["two", "duo1.10", "snake"], "names of a version without its image are listed"
    assert language["packages"] == [{"name": "left-pad", "version": "1.1"}] and language["compiled"] is False
    left_out = duo.events("language.unavailable", language="duo")
    assert [each["image"] for each in left_out] == ["codecell/there-is-no-such-image"], duo.log


@pytest.mark.parametrize("wanted,version,which", [
    (None, "1.10.0", "second"), ("1", "1.10.0", "second"), ("1.9", "1.9.3", "first"), ("=1.9.3", "1.9.3", "first"),
    ("1.9.x", "1.9.3", "first"), ("<1.10", "1.9.3", "first"), (">=1.9 <1.10", "1.9.3", "first"),
    (">=1.9, <2", "1.10.0", "second"), ("~1.9", "1.9.3", "first"), ("^1.2", "1.10.0", "second"),
    ("latest", "1.10.0", "second"), ("*", "1.10.0", "second"), ("check", "check-0.1", ""), ("CHECK-0", "check-0.1", ""),
    (" v1.9 ", "1.9.3", "first"),
])
def test_which_runs(duo, wanted, version, which):
    result = duo.run(SHOW, "duo", version=wanted, args=["a"])
    assert (result["version"], result["stdout"]) == (version, f"{which} main.duo a\n")
    assert result["language"] == "duo" and (result["compile"] is not None) == (which == "")


@pytest.mark.parametrize("name,wanted,version", [
    ("two", None, "1.10.0"), ("DUO1.10", None, "1.10.0"), ("duo1.10", "1.9", "1.9.3"), ("snake", None, "snake-3."),
    ("Snake", "3", "snake-3."), ("snake", "latest", "snake-3."), ("snake", "check", "check-0.1"), ("two", "snake", "snake-3."),
])
def test_an_alias_of_a_versions_own_stands_for_it(duo, name, wanted, version):
    assert duo.run("0", name, version=wanted)["version"].startswith(version)


@pytest.mark.parametrize("name,wanted", [("duo", "2"), ("duo", "3"), ("duo", "snake-2"), ("snake", "1"), ("duo", "ghost")])
def test_none_fits(duo, name, wanted):
    answer = duo.execute(SHOW, name, version=wanted)
    assert answer.status == 400
    assert answer.detail == f"version: no Duo {wanted}; there are {', '.join(told(duo)['versions'])}"


@pytest.mark.parametrize("name,wanted,fits", [("duo", "3", False), ("snake", "1", False), ("snake", "check", True)])
@pytest.mark.parametrize("workspace", [False, True])
def test_a_session_s_version_must_be_there(duo, name, wanted, fits, workspace):
    """What its first execution would refuse, it refuses itself, in the same words."""
    body = {"session_id": "of-a-version", "language": name, "version": wanted, "workspace": workspace}
    answer = duo.request("POST", "/api/v1/sessions", body)
    if fits:
        assert answer.status == 201 and answer.json["version"] == wanted, answer
        assert duo.request("DELETE", "/api/v1/sessions/of-a-version").status == 200
        return
    assert (answer.status, answer.detail) == (400, duo.execute(SHOW, name, version=wanted).detail)
    assert duo.request("GET", "/api/v1/sessions/of-a-version").status == 404


def test_a_version_without_its_image_has_no_name_either(duo):
    answer = duo.execute(SHOW, "duo3")
    assert answer.status == 400 and answer.detail == "Unsupported language: duo3. Supported languages: bash, duo"


def test_the_record_says_which(duo):
    key = duo.key()
    for version in ("1.9", "1.10"):
        duo.run(SHOW, "duo", version=version, key=key)
    assert [each["version"] for each in duo.executions(key=key)] == ["1.10.0", "1.9.3"]
    assert {each["language"] for each in duo.executions(key=key, language="snake")} == {"duo"}


def test_a_language_with_one_version_takes_ranges_too(server):
    version = server.get("/api/v1/languages/bash", key=None).json["version"]
    major = version.split(".")[0]
    assert server.run("echo 1", "bash", version=f"^{major}")["version"] == version
    answer = server.execute("echo 1", "bash", version="1.5")
    assert (answer.status, answer.detail) == (400, f"version: no Bash 1.5; there are {version}")


def test_the_default_waits_and_the_others_once_they_are_asked_for(launch, folder):
    server = launch({"CODECELL_LANGUAGES": folder, "CODECELL_POOL": "*=1"}, languages=["bash", "duo"])

    def waiting():
        """The images of the cells of duo."""
        return set(docker("ps", "--filter", f"label=io.codecell.instance={server.instance}", "--filter",
                          "label=io.codecell.language=duo", "--format", "{{.Image}}").split())
    # Until all images have said their versions, another one is the default.
    wait_for("all four", lambda: len(server.events("language.offered", language="duo")) == 4)
    wait_for("a cell of the default's alone", lambda: waiting() == {"codecell/python"})
    versions = {server.run("1", "duo", version=wanted)["version"] for wanted in ("1.9", "1.10")}
    assert versions == {"1.9.3", "1.10.0"}

    def ready():
        cells = server.metrics()["codecell_pool_cells"]
        return cells.get(frozenset({("language", "duo"), ("state", "ready")}), 0)
    wait_for("a cell of each", lambda: ready() >= 2 and waiting() == {"codecell/python", "codecell/bash"})
    assert server.output('echo "$WHICH"', "duo", version="1.9") == "first\n"


def test_the_command_shows_them(duo):
    done = duo.cli("languages")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    at = rows.index(["duo", "-", "codecell/bash", "two"])
    assert rows[at + 1:at + 5] == [["version", "-", "codecell/python", "duo1.10"],
                                   ["version", "-", "codecell/there-is-no-such-image", "duo3"],
                                   ["snake", "-", "codecell/python", "snake"],
                                   ["check", "compiled", "codecell/bash"]]
