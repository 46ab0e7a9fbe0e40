"""The languages: what the server says of them is true, and a new one needs no C."""
import json
import re

import pytest

from codecell import LANGUAGES, linked_languages, wait_for

MEMBERS = {"id", "name", "version", "versions", "aliases", "file", "compiled", "packages", "limits",
           "least_limits", "example"}
ASK = {
    "python": "import platform; print(platform.python_version())",
    "javascript": "console.log(process.version.slice(1))",
    "bash": 'echo "${BASH_VERSINFO[0]}.${BASH_VERSINFO[1]}.${BASH_VERSINFO[2]}"',
    "c": '#include <stdio.h>\nint main(void) '
         '{ printf("%d.%d.%d\\n", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__); }',
}
FILES = {"python": "main.py", "javascript": "main.js", "bash": "main.sh", "c": "main.c"}


def language(server, id_):
    answer = server.get("/api/v1/languages/" + id_, key=None)
    assert answer.status == 200, answer
    return answer.json


def test_the_list(server):
    answer = server.get("/api/v1/languages", key=None)
    assert answer.status == 200 and list(answer.json) == ["languages"]
    languages = answer.json["languages"]
    assert set(LANGUAGES) <= {each["id"] for each in languages}
    assert server.get("/api/v1/execute/languages", key=None).json == [each["id"] for each in languages]
    for each in languages:
        assert MEMBERS <= set(each), each
        assert language(server, each["id"]) == each
        assert isinstance(each["name"], str) and isinstance(each["compiled"], bool)
        assert each["versions"] == [each["version"]] or each["version"] in each["versions"]
        assert all(isinstance(alias, str) and alias == alias.lower() for alias in each["aliases"])
        assert all(set(package) == {"name", "version"} for package in each["packages"])
        assert set(each["limits"]) == {"cpu", "memory_mb", "disk_mb", "processes", "output_kb"}
        assert set(each["least_limits"]) == set(each["limits"])
        assert all(least <= each["limits"][name] for name, least in each["least_limits"].items())
        assert {"code", "stdout"} <= set(each["example"]) <= {"code", "stdin", "stdout"}


def test_names_are_one_languages_alone(server):
    languages = server.get("/api/v1/languages", key=None).json["languages"]
    names = [name for each in languages for name in [each["id"], *each["aliases"]]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("id_", LANGUAGES)
def test_a_language(server, id_):
    told = language(server, id_)
    assert told["file"] == FILES[id_] and told["compiled"] == (id_ == "c")
    assert told["limits"] == {"cpu": 1, "memory_mb": 512, "disk_mb": 100, "processes": 64, "output_kb": 1024}
    assert server.output(ASK[id_], id_).strip() == told["version"]
    for alias in told["aliases"]:
        assert server.run(ASK[id_], alias.upper())["language"] == id_


@pytest.mark.parametrize("id_", LANGUAGES)
def test_its_example(server, id_):
    example = language(server, id_)["example"]
    result = server.run(example["code"], id_, stdin=example.get("stdin"))
    assert (result["stdout"], result["stderr"], result["exit_code"]) == (example["stdout"], "", 0)


def test_packages(server):
    python = {each["name"].lower(): each["version"] for each in language(server, "python")["packages"]}
    assert {"numpy", "pandas", "sympy", "python-dateutil", "pillow"} <= set(python)
    assert server.output("import numpy; print(numpy.__version__)").strip() == python["numpy"]
    javascript = {each["name"]: each["version"] for each in language(server, "javascript")["packages"]}
    assert {"lodash", "dayjs", "mathjs"} <= set(javascript)
    assert server.output("console.log(require('lodash').VERSION)", "javascript").strip() == javascript["lodash"]


def test_no_such_language(server):
    for name in ("nothing", "%00", "..", "x" * 300):
        answer = server.get("/api/v1/languages/" + name, key=None)
        assert answer.status in (400, 404) and answer.detail
    assert server.get("/api/v1/languages/nothing", key=None).status == 404


# An operator's own folder.

AWK = {
    "id": "awk", "name": "AWK", "aliases": ["gawk"], "image": "codecell/bash", "file": "main.awk",
    "run": {"argv": ["/usr/bin/gawk", "-f", "main.awk"]}, "version": {"argv": ["/usr/bin/gawk", "--version"]},
    "example": {"code": "BEGIN { print 6 * 7 }\n", "stdout": "42\n"},
}


def with_languages(tmp_path, **files):
    """A value of CODECELL_LANGUAGES: the project's folder and one with these files."""
    for name, content in files.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "language.json").write_text(content if isinstance(content, str) else json.dumps(content))
    ours = linked_languages(tmp_path / ".images", LANGUAGES)
    return {"CODECELL_LANGUAGES": f"{ours}:{tmp_path}", "CODECELL_POOL": "*=0"}


def test_a_new_language_needs_no_c(launch, tmp_path):
    server = launch(with_languages(tmp_path, awk=AWK), languages=["awk", "bash"])
    assert re.match(r"\d+\.\d+", language(server, "awk")["version"])
    assert server.output("{ print $2 }", "GAWK", stdin="a b c\n") == "b\n"


def test_limits_below_a_languages_least_are_refused(launch, tmp_path):
    """Least limits are checked after the ranges of all languages, by version; limits that the request leaves out are enough."""
    least = {"memory_mb": 48, "disk_mb": 3, "processes": 20}
    needy = {**AWK, "id": "needy", "name": "Needy", "aliases": [], "least": least,
             "versions": [{"name": "mawk", "aliases": ["frugal"], "least": {"processes": 9}}]}
    server = launch(with_languages(tmp_path, needy=needy), languages=["needy", "bash"])
    wait_for("both versions are known", lambda: len(language(server, "needy")["versions"]) == 2)
    assert language(server, "needy")["least_limits"] == {"cpu": 0.1, "output_kb": 1, **least}

    def ask(name="needy", **limits):
        return server.execute("BEGIN { print 1 }", name, limits=limits)

    for name, value in least.items():
        answer = ask(**{name: value - 1})
        assert (answer.status, answer.detail) == (400, f"limits.{name}: Needy needs at least {value}")
    assert ask(processes=7).detail == "limits.processes: must be an integer from 8 to 256"
    assert ask(**least).json["stdout"] == ask().json["stdout"] == "1\n"
    assert ask("frugal", processes=8).detail == "limits.processes: Needy needs at least 9"
    assert ask("frugal", processes=9, disk_mb=1).json["stdout"] == "1\n"


def test_a_compile_limit_of_a_languages_own(launch, tmp_path):
    slow = {**AWK, "id": "slow", "aliases": [], "compile": {"argv": ["/usr/bin/bash", "main.awk"], "timeout": 6}}
    server = launch(with_languages(tmp_path, slow=slow), languages=["slow", "bash"])
    result = server.run("echo compiling; echo err >&2; sleep 100", "slow")
    assert result["status"] == "compile_failed" and result["exit_code"] != 0
    assert (result["compile"]["stdout"], result["compile"]["exit_code"]) == ("compiling\n", result["exit_code"])
    assert "err\n" in result["stderr"] and result["compile"]["execution_time"] >= 6


BROKEN = {**AWK, "id": "broken", "aliases": []}


@pytest.mark.parametrize("content,names", [
    ("{", []), ("[]", []), ({**BROKEN, "id": None}, ["id"]), ({**BROKEN, "id": "other"}, ["id"]),
    ({**BROKEN, "run": "gawk"}, ["run"]), ({**BROKEN, "file": "../x"}, ["file"]),
    ({**BROKEN, "unknown": 1}, ["unknown"]), ({**BROKEN, "compile": {"argv": []}}, ["compile"]),
    ({**BROKEN, "aliases": [1]}, ["aliases"]),
    ({**BROKEN, "limits": {"memory_mb": 1}}, ["memory_mb"]), ({**BROKEN, "aliases": ["py"]}, ["py"]),
    ({name: value for name, value in BROKEN.items() if name != "version"}, ["version"]),
    ({**BROKEN, "versions": 1}, ["versions: must be an array"]),
    ({**BROKEN, "versions": [{}, {"colour": 1}]}, ["versions[1].colour: unknown field"]),
    ({**BROKEN, "versions": [{"run": {"argv": "x"}}]}, ["versions[0].run.argv: must be an array"]),
    ({**BROKEN, "versions": [{"aliases": ["py"]}]}, ["versions[0].aliases: py is taken by the language python"]),
    ({**BROKEN, "waiting": "later"}, ["waiting: must be true, false, "]),
    ({**BROKEN, "least": {"memory_mb": 513}}, ["least.memory_mb: must be an integer from 32 to 512, the language's own"]),
    ({**BROKEN, "live": {"wrapper": []}}, ["live.wrapper: unknown field"]),
], ids=range(19))
def test_what_is_wrong_in_one_leaves_out_that_one_alone(launch, tmp_path, content, names):
    server = launch(with_languages(tmp_path, broken=content), languages=["bash"])
    said = [line for line in server.lines if "broken/language.json" in line]
    assert said and all(name in said[0].split("language.json")[1] for name in names), server.log
    assert "broken" not in server.get("/api/v1/execute/languages", key=None).json
    assert server.cli("languages").stderr.count("broken/language.json") == 1


def test_a_language_without_its_image_is_not_offered_and_that_is_said(launch, tmp_path):
    absent = {**AWK, "image": "codecell/there-is-no-such-image"}
    server = launch(with_languages(tmp_path, awk=absent))
    wait_for("a word about awk", lambda: "awk" in server.log)
    assert "awk" not in server.get("/api/v1/execute/languages", key=None).json
    answer = server.execute("x", "awk")
    assert answer.status == 400 and answer.detail.startswith("Unsupported language: awk. "), answer


def test_an_image_that_does_not_say_what_it_holds_is_asked_once(launch, tmp_path):
    settings = with_languages(tmp_path, awk=AWK)
    first = launch(settings, data_dir=tmp_path / "data", languages=["awk"])
    asked = wait_for("its facts", lambda: first.database("select * from image_facts where language = 'awk'"))
    told = language(first, "awk")
    assert len(asked) == 1
    first.stop()
    second = launch(settings, data_dir=tmp_path / "data", languages=["awk"])
    assert second.database("select * from image_facts where language = 'awk'") == asked and language(second, "awk") == told


def test_the_command(server):
    done = server.cli("languages")
    assert done.returncode == 0, done.stderr
    for each in LANGUAGES:
        assert re.search(rf"\b{each}\b", done.stdout), done.stdout
