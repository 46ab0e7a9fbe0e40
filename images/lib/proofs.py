"""Reads the proofs of a language, which are in its tests.txt, and judges the answers to them.

A tests.txt has a section for each proof: a line "=== name {fields}", then the program. The fields are those of the
request, `expect` and `cannot`. A section "=== NAME/PATH" is a further file of the proof NAME. The text before the first
section is a comment.
"""
import json
import re
from dataclasses import dataclass, field

from folders import Problem

HELLO = "Hello, World!\n"
NOTHING = r"\A\Z"

# name: (fields of the request, what the answer must be). The program is in the language's tests.txt.
STANDARD = {
    "hello": ({}, {"stdout": HELLO, "stderr": NOTHING, "compile": NOTHING}),
    "stdin": ({"stdin": "one\ntwo\nthree\n"}, {"stdout": "one\ntwo\nthree\n"}),
    "arguments": ({"args": ["one", "two words", "*"]}, {"stdout": "one\ntwo words\n*\n"}),
    "environment": ({"environment": {"GREETING": "hello there"}}, {"stdout": "hello there\n"}),
    "exit": ({}, {"status": "failed", "exit_code": 7}),
    "error": ({}, {"status": "failed"}),
    "compile_error": ({}, {"status": "compile_failed"}),
    "unicode": ({"stdin": "žluťoučký 🐎\n"}, {"stdout": "Grüße, 世界 🌍\nžluťoučký 🐎\n"}),
    "files": ({}, {"stdout": "42\n"}),
    "timeout": ({"timeout": 1}, {"status": "timed_out"}),
    "live": ({"timeout": 1}, {"status": "timed_out", "stdout": HELLO}),
    "memory": ({"limits": {"memory_mb": 128}}, {"status": "out_of_memory"}),
}
WITH_FILES = {"files"}                # proofs that need a second file
WITH_MESSAGE = {"error", "compile_error"}  # proofs for which tests.txt must give a pattern of the message
EXPECTABLE = {"stdout", "stdout_matches", "stderr", "compile", "exit_code", "status"}
REQUEST = {"stdin", "args", "environment", "timeout", "limits", "version"}
PATIENCE = 60  # seconds of `timeout` if a proof has none: the machine may be busy

HEAD = re.compile(r"=== (\S+)(?: (.*))?")


@dataclass
class Proof:
    """A program, the other fields of its request, and what the answer must be."""
    name: str
    line: int  # number of its head in tests.txt
    fields: dict
    expect: dict
    cannot: str = ""
    code: str = ""
    files: list = field(default_factory=list)

    def request(self, language):
        request = {"language": language, "code": self.code, "timeout": PATIENCE, **self.fields}
        if self.files:
            request["files"] = self.files
        return request


def read_proofs(text, compiles):
    """The proofs of a tests.txt, in its order. A Problem has a line for each mistake. compiles: the language does."""
    problems, proofs = [], {}
    for line, head, body in sections(text):
        try:
            name, path, fields = read_head(head)
            if path:
                if name not in proofs:
                    raise Problem(f"{name}/{path} comes before the proof {name}")
                proofs[name].files.append({"path": path, "content": body})
            elif name in proofs:
                raise Problem(f"there are two proofs {name}")
            else:
                proofs[name] = read_proof(name, line, fields, body)
        except Problem as problem:
            problems.append(f"line {line}: {problem}")
    for name in STANDARD:
        if name not in proofs and (compiles or name != "compile_error"):
            problems.append(f"the proof '{name}' is missing, or a reason why there cannot be one")
    for proof in proofs.values():
        if proof.name in WITH_FILES and not proof.files and not proof.cannot:
            problems.append(f"line {proof.line}: {proof.name} has no second file (=== {proof.name}/PATH)")
    if problems:
        raise Problem("\n".join(problems))
    return list(proofs.values())


def sections(text):
    """The sections of a tests.txt: [(line number of the head, head, text below it)]."""
    found = []
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if line.startswith("=== "):
            found.append((number, line.rstrip("\n"), []))
        elif found:
            found[-1][2].append(line)
    return [(number, head, "".join(lines).rstrip("\n") + "\n") for number, head, lines in found]


def read_head(head):
    """Returns (name, path of a further file or "", fields)."""
    match = HEAD.fullmatch(head)
    if match is None:
        raise Problem("a head must be '=== name {fields}'")
    name, _, path = match[1].partition("/")
    try:
        fields = json.loads(match[2] or "{}")
    except ValueError as error:
        raise Problem(f"{name}: {error}") from None
    if not isinstance(fields, dict) or (path and fields):
        raise Problem(f"{match[1]}: a name may be followed by an object, the path of a further file by nothing")
    return name, path, fields


def read_proof(name, line, fields, code):
    request, expected = STANDARD.get(name, ({}, {}))
    cannot, own = fields.pop("cannot", ""), fields.pop("expect", {})
    if cannot != "":
        if not isinstance(cannot, str) or name not in STANDARD or name == "hello" or fields or own or code.strip():
            raise Problem(f"{name}: 'cannot' must be a reason, without a program or other fields, for a standard proof "
                          "except hello")
        return Proof(name, line, {}, {}, cannot=cannot)
    unknown = [*(set(fields) - REQUEST), *(set(own) - EXPECTABLE)]
    if unknown:
        raise Problem(f"{name}: unknown field {sorted(unknown)[0]}")
    if name not in STANDARD and not own:
        raise Problem(f"{name}: a proof that is not a standard proof needs 'expect'")
    if name in WITH_MESSAGE and not own.get("stderr"):
        raise Problem(f"{name}: needs expect.stderr, a pattern for the message")
    if not code.strip():
        raise Problem(f"{name}: the program is missing")
    expect = {**expected, **own}
    if "status" not in expect and "exit_code" not in expect:
        expect["status"] = "completed"
    check_patterns(name, expect)
    fields = {**request, **fields}
    if isinstance(fields.get("stdin"), list):
        content, count = fields["stdin"]
        fields["stdin"] = content * count
    return Proof(name, line, fields, expect, code=code)


def check_patterns(name, expect):
    for each in ("stdout_matches", "stderr", "compile"):
        try:
            re.compile(expect.get(each, ""), re.M)
        except (re.error, TypeError) as error:
            raise Problem(f"{name}: expect.{each}: {error}") from None


def judge(expect, status, answer):
    """Compares an answer (HTTP status, content) with what is expected. Yields a sentence for each difference."""
    wanted = 500 if expect.get("status") == "timed_out" else 200
    if status != wanted:
        yield f"HTTP status {status}, not {wanted}"
    if "status" not in answer:
        yield "the answer has no result"
    if status != wanted or "status" not in answer:
        return
    for name in ("status", "exit_code", "stdout"):
        if name in expect and answer[name] != expect[name]:
            yield f"{name} is {answer[name]!r}, not {expect[name]!r}"
    compiler = answer.get("compile") or {"stdout": "", "stderr": ""}
    for name, said, pattern in (("stdout", answer["stdout"], expect.get("stdout_matches")),
                                ("stderr", answer["stderr"], expect.get("stderr")),
                                ("compile's output", compiler["stdout"] + compiler["stderr"], expect.get("compile"))):
        if pattern is not None and not re.search(pattern, said, re.M):
            what = "is not empty" if pattern == NOTHING else f"has no match of {pattern!r}"
            yield f"{name} {what}: {said[-2000:]!r}"
