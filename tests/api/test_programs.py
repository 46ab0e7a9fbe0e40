"""Programs that people sent to services like this one, each with its right answer: tests/cases/programs.jsonl.

A line is {name, request, right}: `right` is the answer in words, and RIGHT below says it for a program. A case whose language
needs a compiler that only a registry of images brings has its way to fail in ABSENT: where that compiler is there, RIGHT holds.
"""
import re

import pytest

from cases import case_languages, read_cases
from codecell import Server

CASES = read_cases()
WORLD = "Hello, World!\n"


class Limited:
    """It runs, or the answer is 400 with the language, the limit and its least value."""

    def __init__(self, name, limit, stdout):
        self.detail, self.stdout = rf"limits\.{limit}: {re.escape(name)} needs at least \d+", stdout


def completed(stdout, **more):
    return {"status": "completed", "exit_code": 0, "stdout": stdout, **more}


def matching(pattern):
    return re.compile(pattern, re.S)


def timed_out(stdout):
    return {"http": 500, "status": "timed_out", "timed_out": True, "stdout": matching(stdout)}


RIGHT = {
    "asm-int80": {"status": "failed", "signal": "SIGSYS", "exit_code": 159, "warnings": matching("system call")},
    "beam-disk": Limited("Elixir", "disk_mb", "ok\n"),
    "bom-algol68": completed(matching(r"Hello, World!\s+\+?1\s+\+?4\s+\+?9\s*"), warnings=matching("byte order mark")),
    "bom-bash": completed(WORLD + "1 4 9\n", stderr="", warnings=matching("byte order mark")),
    "bom-clojure": completed(WORLD + "be 2\nnot 1\nor 1\nto 2\n"),
    "bom-elixir": completed("Hello, World! [1, 4, 9]\n"),
    "bom-java": completed(WORLD + "".join(f"Word[text={word}, count={count}]\n" for word, count in (
        ("be", 2), ("not", 1), ("or", 1), ("to", 2)))),
    "bom-php": completed(WORLD + '55\n{"name":"World","length":5}\n'),
    "bom-r": completed(WORLD + "[1]  1  4  9 16 25\n   Min. 1st Qu.  Median    Mean 3rd Qu.    Max. \n"
                       '      1       4       9      11      16      25 \n{"name":"World","mean":11} \n'),
    "bom-scala": completed(WORLD + "Word(be,2)\nWord(not,1)\nWord(or,1)\nWord(to,2)\n"),
    "clear-bash": completed(matching(r".*title\n.*\d+\n"), stderr=""),
    "conc-main-dir": completed("ok\n"),
    "cpp-localarray": completed("2999999\n"),
    "cpp-mem128-regex": Limited("C++", "memory_mb", "11\n"),
    "cpp-oj": completed("7\n"),
    "cpp-rec": completed("1000000\n"),
    "cpp-stacktrace": completed("1\n"),
    "crlf-bash": completed(WORLD + "1 4 9\n", stderr="", warnings=matching("CRLF")),
    "crlf-jq": completed("Ada was born in 1815\nAlan was born in 1912\n"),
    "cs-async": completed("as\n"),
    "cs-record": completed("5\n"),
    "cs-switch8": completed("three\n"),
    "cs-toplevel": completed("top\n"),
    "csc-alias": completed("1\n", language="csharp"),
    "disk_mb1-go": Limited("Go", "disk_mb", WORLD),
    "exec-bash": completed("inner A\n", stderr=""),
    "exec-files-bash": completed("hi Bob\nhi Al\n", stderr=""),
    "exec-py": completed("inner\n\n"),
    "gas-s": {"status": "failed", "exit_code": 7},
    "go-pkg": {"status": "compile_failed", "stderr": matching("package tools .*main")},
    "java-awt": completed("3 true\n"),
    "java-oom": {"status": "failed", "exit_code": 1, "stderr": matching("java.lang.OutOfMemoryError")},
    "java-proc8": Limited("Java", "processes", "ok\n"),
    "java-rec": completed("50000\n"),
    "kt-script": completed("6\n", language="kotlin"),
    "lib-500-go": {"status": "compile_failed", "stderr": matching("package tools .*main")},
    "loc-py": completed("1,234,567\n"),
    "mem-over-c": {"status": "out_of_memory", "stdout": ""},
    "memory_mb64-kotlin": Limited("Kotlin", "memory_mb", WORLD),
    "mpl-cjk-py": completed("ok\n", stderr=""),
    "out-timeout-c": timed_out("(before\n)?"),
    "out-timeout-ruby": timed_out("(before\n)?"),
    "php-bom": completed("ok\n"),
    "processes8-elixir": Limited("Elixir", "processes", WORLD),
    "processes8-kotlin": Limited("Kotlin", "processes", WORLD),
    "sc-213": completed("8\n"),
    "src-bom-bash": completed("ok\n", stderr=""),
    "src-crlf-bash": completed("three\n", stderr=""),
    "tools-bash": completed(matching(r"(\S+ ){0,6}\n")),
    "ts-decorator": completed("call add\n3\n"),
    "ts-typeimport": completed("6\n"),
    "tsc-decorator": completed("call add\n3\n"),
    "tsc-typeimport": completed("6\n"),
}

OLD_MONO, OLD_SCALA = r"mono|6\.\d", r"2\.11"
ABSENT = {  # (versions that cannot, how it fails there)
    "cs-async": (OLD_MONO, {"status": "compile_failed"}),
    "cs-record": (OLD_MONO, {"status": "compile_failed"}),
    "cs-switch8": (OLD_MONO, {"status": "compile_failed"}),
    "cs-toplevel": (OLD_MONO, {"status": "compile_failed"}),
    "sc-213": (OLD_SCALA, {"status": "compile_failed"}),
}


@pytest.fixture(scope="module")
def server():
    with Server({"CODECELL_POOL": "*=0"}, languages=case_languages()) as one:
        yield one.start()


def test_every_case_has_its_right_answer():
    assert set(RIGHT) == set(CASES) and set(ABSENT) <= set(RIGHT)


def differences(answer, right):
    for name, wanted in right.items():
        found = answer.status if name == "http" else answer.json[name]
        if name == "warnings":
            found = "\n".join(found)
        if not (wanted.fullmatch(found) if isinstance(wanted, re.Pattern) and name not in ("stderr", "warnings")
                else wanted.search(found) if isinstance(wanted, re.Pattern) else found == wanted):
            yield f"{name} is {found!r}, not {wanted!r}"


def judge(answer, right):
    if isinstance(right, Limited):
        if answer.status == 400:
            assert re.fullmatch(right.detail, answer.detail), answer
            return
        right = completed(right.stdout)
    right = {"http": 200, **right}
    assert answer.status == right["http"], answer
    assert not list(differences(answer, right)), answer


@pytest.mark.parametrize("name", CASES)
def test_a_program(server, name):
    answer = server.post({"timeout": 60, **CASES[name]["request"]})
    right = RIGHT[name]
    if name in ABSENT and re.search(ABSENT[name][0], answer.json.get("version", "")):
        right = ABSENT[name][1]
    judge(answer, right)
