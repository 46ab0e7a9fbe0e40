"""How a tests.txt is read, and an answer judged."""
import pytest

from folders import IMAGES, Problem
from proofs import STANDARD, judge, read_proofs

WHOLE = (IMAGES / "lib" / "template" / "tests.txt").read_text(encoding="utf-8")


def proofs(text, compiles=False):
    return {proof.name: proof for proof in read_proofs(text, compiles)}


def test_the_template_is_whole():
    found = proofs(WHOLE)
    assert list(found) == [name for name in STANDARD if name != "compile_error"]
    assert found["hello"].code == "echo 'Hello, World!'\n" and found["hello"].line == 4
    assert found["files"].files == [{"path": "lib/answer.sh", "content": "answer() { echo 42; }\n"}]
    with pytest.raises(Problem, match="the proof 'compile_error' is missing, or a reason"):
        proofs(WHOLE, compiles=True)


def test_a_request_is_the_standard_one_and_what_the_section_says():
    text = WHOLE.replace("=== stdin", '=== stdin {"limits": {"cpu": 2}}').replace(
        "=== memory", '=== memory {"limits": {"memory_mb": 256}, '
                      '"expect": {"status": "failed", "stderr": "MemoryError"}}')
    found = proofs(text)
    assert found["stdin"].request("sh") == {
        "language": "sh", "code": "cat\n", "timeout": 60, "stdin": "one\ntwo\nthree\n", "limits": {"cpu": 2}}
    assert found["memory"].fields == {"limits": {"memory_mb": 256}}
    assert found["memory"].expect == {"status": "failed", "stderr": "MemoryError"}
    assert found["timeout"].request("sh")["timeout"] == 1 and found["files"].request("sh")["files"]


def test_proofs_of_ones_own():
    found = proofs(WHOLE + '\n=== big {"stdin": ["ab", 3], "expect": {"stdout": "x\\n"}}\ncat\n'
                           '\n=== odd {"version": ">=3", "expect": {"exit_code": 3}}\nexit 3\n')
    assert found["big"].fields["stdin"] == "ababab" and found["big"].expect == {"stdout": "x\n", "status": "completed"}
    assert found["odd"].expect == {"exit_code": 3} and found["odd"].request("sh")["version"] == ">=3"


def test_a_reason_instead_of_a_program():
    before, _, after = WHOLE.partition("=== files\n")
    text = before + '=== files {"cannot": "one filter is the program"}\n\n' + after[after.index("=== timeout"):]
    assert proofs(text)["files"].cannot == "one filter is the program"


@pytest.mark.parametrize("old,new,said", [
    ("=== hello", "=== hullo", "the proof 'hello' is missing"),
    ("=== hello", "=== hello {]", "line 4: hello: "),
    ("=== hello", "=== hello []", "a name may be followed by an object"),
    ("=== hello", '=== hello {"cannot": "why"}', "'cannot' must be a reason"),
    ("=== exit", '=== exit {"cannot": "why"}', "'cannot' must be a reason"),
    ("=== exit", '=== exit {"cannot": ["why"]}', "'cannot' must be a reason"),
    ("=== hello", '=== hello {"stdim": ""}', "hello: unknown field stdim"),
    ("=== hello", '=== hello {"expect": {"stderr_matches": ""}}', "hello: unknown field stderr_matches"),
    ("=== hello", "=== hello\n=== hello", "line 4: hello: the program is missing"),
    ("=== exit", "=== hello\nx\n=== exit", "there are two proofs hello"),
    ("=== files/lib/answer.sh", "=== file/lib/answer.sh", "file/lib/answer.sh comes before the proof file"),
    ("=== files/lib/answer.sh", "#", "files has no second file"),
    ('{"expect": {"stderr": "main.sh: (line )?3: .*not found"}}', "", "error: needs expect.stderr"),
    ('"main.sh: (line )?3: .*not found"', '"("', "error: expect.stderr: "),
    ("=== exit", "=== own\necho\n=== exit", "own: a proof that is not a standard proof needs 'expect'"),
])
def test_what_is_wrong_is_said(old, new, said):
    assert old in WHOLE
    with pytest.raises(Problem) as problem:
        proofs(WHOLE.replace(old, new, 1))
    assert said in str(problem.value)


ANSWER = {"status": "completed", "exit_code": 0, "stdout": "42\n", "stderr": "line 3: a\nline 4: b\n"}


@pytest.mark.parametrize("expect,status,answer,said", [
    ({"status": "completed", "stdout": "42\n"}, 200, {}, []),
    ({"stdout_matches": r"^4\d$", "stderr": r"^line 4"}, 200, {}, []),
    ({"status": "failed"}, 200, {}, ["status is 'completed', not 'failed'"]),
    ({"exit_code": 7}, 200, {"exit_code": 1}, ["exit_code is 1, not 7"]),
    ({"stdout": "43\n"}, 200, {}, ["stdout is '42\\n', not '43\\n'"]),
    ({"stderr": "line 5"}, 200, {}, ["stderr has no match of 'line 5': 'line 3: a\\nline 4: b\\n'"]),
    ({"stderr": r"\A\Z"}, 200, {}, ["stderr is not empty: 'line 3: a\\nline 4: b\\n'"]),
    ({"stderr": r"\A\Z"}, 200, {"stderr": ""}, []),
    ({"compile": r"\A\Z"}, 200, {}, []),
    ({"compile": r"\A\Z"}, 200, {"compile": {"stdout": "", "stderr": ""}}, []),
    ({"compile": r"\A\Z"}, 200, {"compile": {"stdout": "", "stderr": "warning"}},
     ["compile's output is not empty: 'warning'"]),
    ({"compile": "^two"}, 200, {"compile": {"stdout": "one\n", "stderr": "two"}}, []),
    ({"status": "timed_out"}, 500, {"status": "timed_out"}, []),
    ({"status": "timed_out"}, 200, {}, ["HTTP status 200, not 500"]),
    ({"status": "completed"}, 400, {}, ["HTTP status 400, not 200"]),
])
def test_an_answer_is_judged(expect, status, answer, said):
    assert list(judge(expect, status, {**ANSWER, **answer})) == said


def test_an_answer_without_a_program():
    assert list(judge({"status": "timed_out"}, 500, {"detail": "no"})) == ["the answer has no result"]
