"""Files back: the files that a program leaves come in the answer."""
import base64

import pytest

from events import stream

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def files_of(answer):
    """The files of an answer: {path: bytes}, after a look at each one's fields and at their order."""
    for file in answer["files"]:
        assert list(file) == ["path", "content", "encoding", "size", "type"] and file["encoding"] == "base64", file
        assert len(base64.b64decode(file["content"], validate=True)) == file["size"], file
    paths = [file["path"] for file in answer["files"]]
    assert paths == sorted(set(paths))
    return {file["path"]: base64.b64decode(file["content"]) for file in answer["files"]}


def run(server, code, outputs, language="bash", **more):
    return server.execute(code, language, outputs=outputs, **more)


def test_files_come_back(server):
    code = f"""import base64, os
os.makedirs("out/deep")
open("plot.png", "wb").write(base64.b64decode("{PNG}"))
open("out/table.csv", "w").write("a,b\\n1,2\\n")
open("out/deep/blob", "wb").write(bytes(range(256)))
open("notes", "w").write("caf\\u00e9\\n")
open("empty.txt", "w")
print("done")
"""
    answer = run(server, code, ["*.png", "out/**", "notes", "empty.txt"], "python").json
    assert answer["stdout"] == "done\n" and answer["exit_code"] == 0 and answer["warnings"] == []
    files = files_of(answer)
    assert files == {"plot.png": base64.b64decode(PNG), "out/table.csv": b"a,b\n1,2\n",
                     "out/deep/blob": bytes(range(256)), "notes": "café\n".encode(), "empty.txt": b""}
    assert {file["path"]: file["type"] for file in answer["files"]} == {
        "plot.png": "image/png", "out/table.csv": "text/csv", "out/deep/blob": "application/octet-stream",
        "notes": "text/plain", "empty.txt": "text/plain"}


@pytest.mark.parametrize("code, status, exit_code", [
    ("echo x > f; exit 3", 200, 3), ("echo x > f; kill -9 $$", 200, 137), ("echo x > f; sleep 60", 500, 124)])
def test_whatever_the_end(server, code, status, exit_code):
    answer = run(server, code, ["f"], timeout=6 if exit_code == 124 else 60)
    assert (answer.status, answer.json["exit_code"]) == (status, exit_code)
    assert files_of(answer.json) == {"f": b"x\n"}


def test_nothing_found(server):
    answer = run(server, "mkdir d; ln -s /etc/passwd l; mkfifo p; touch .hidden", ["x*", "d", "l", "p", "*"]).json
    assert answer["files"] == []
    assert answer["warnings"] == [f'outputs: nothing matches "{name}"' for name in ("x*", "d", "l", "p")] + [
        'outputs: nothing matches "*"']


def test_own_files_never(server):
    answer = run(server, "print(1)", ["**", ".*"], "python").json
    assert answer["files"] == []
    assert "files" not in server.execute("print(1)", "python").json


def test_over_the_limits(server):
    code = "head -c 3000000 /dev/zero > a; head -c 3000000 /dev/zero > b; echo c > c; echo d > d; chmod 0 d"
    answer = run(server, code, ["*"]).json
    assert {path: len(data) for path, data in files_of(answer).items()} == {"a": 3000000, "c": 2}
    assert len(answer["warnings"]) == 2, answer["warnings"]
    assert answer["warnings"][0].startswith('outputs: "b" of 3000000 bytes is left out')
    assert answer["warnings"][1].startswith('outputs: "d" of 2 bytes cannot be read')
    answer = run(server, code, ["*"], limits={"output_kb": 2048}).json
    assert set(files_of(answer)) == {"a", "b", "c"}
    answer = run(server, "seq -f %05g 1 5000 | xargs touch", ["**"]).json
    assert list(files_of(answer)) == [f"{i:05d}" for i in range(1, 129)]
    assert answer["warnings"][-1] == "outputs: 4856 more files match; at most 128 come back"


def test_names_that_are_no_text(server):
    answer = run(server, "printf 1 > $'new\\nline'; printf 2 > $'\\xff'; printf 3 > $(printf %0255d 0)", ["*"]).json
    assert files_of(answer) == {"0" * 255: b"3", "new\nline": b"1", "\ufffd": b"2"}


@pytest.mark.parametrize("outputs", [
    ["/etc/passwd"], ["../x"], ["a//b"], [""], ["x" * 256], ["a/" * 62 + "a"], "a", [1], ["a"] * 33])
def test_refused(server, outputs):
    answer = run(server, "true", outputs)
    assert answer.status == 400 and answer.detail.startswith("outputs"), answer


def test_a_folder_that_is_gone(server):
    for code in ("cd /; rm -r /tmp/work", "cd /; mv /tmp/work /tmp/x; ln -s /etc /tmp/work", "chmod 0 ."):
        answer = run(server, code, ["passwd"]).json
        assert answer["exit_code"] == 0 and answer["files"] == [], answer
        assert len(answer["warnings"]) == 1 and "outputs: " in answer["warnings"][0], answer
    assert files_of(run(server, "echo y > f", ["f"]).json) == {"f": b"y\n"}


def test_batch_async_and_evaluate(server):
    items = [{"code": f"echo {i} > f", "language": "bash", "outputs": ["f"]} for i in range(3)]
    answers = server.request("POST", "/api/v1/execute/batch", items).json
    assert [files_of(answer) for answer in answers] == [{"f": f"{i}\n".encode()} for i in range(3)]
    accepted = server.request("POST", "/api/v1/execute/async", items[0])
    assert accepted.status == 202
    done = server.get(f"/api/v1/execute/status/{accepted.json['execution_id']}?wait=30").json
    assert files_of(done["result"]) == {"f": b"0\n"}
    answer = run(server, "open('f', 'w').write('e')\n1 + 1", ["**", ".*"], "python", evaluate=True).json
    assert answer["result"] == "2" and files_of(answer) == {"f": b"e"}


def test_a_program_runs_the_tool(server):
    code = "/codecell/agent files collect 1000 9 0 '**' > /tmp/o; echo $?; tail -c 32 /tmp/o | od -An -tu1 | head -1"
    answer = run(server, "echo x > f; " + code, ["f"]).json
    assert answer["stdout"].splitlines()[0] == "0" and files_of(answer) == {"f": b"x\n"}


@pytest.mark.parametrize("language, code", [
    ("c", '#include <stdio.h>\nint main(void) { fputs("c", fopen("f", "w")); }'),
    ("javascript", 'require("fs").writeFileSync("f", "javascript")'),
])
def test_languages(server, language, code):
    answer = run(server, code, ["**", ".*", ".*/**"], language).json
    assert files_of(answer) == {"f": language.encode()}, answer


def test_events(server):
    events = stream(server, "echo 1 > a; echo 2 > b; echo out", outputs=["*"]).all()
    assert [event.name for event in events] == ["start", "stdout", "file", "file", "result"]
    assert files_of({"files": [event.json for event in events[2:4]]}) == {"a": b"1\n", "b": b"2\n"}
    assert "files" not in events[-1].json


@pytest.mark.parametrize("settings", [{"CODECELL_ISOLATION": "container"}, {"CODECELL_REUSE": "key"}],
                         ids=["container", "reuse"])
def test_other_cells(launch, settings):
    """In a cell without capsules, and in one that serves again: what was collected is gone then."""
    server = launch({"CODECELL_POOL": "bash=1", **settings}, languages=["bash"])
    for i in range(4):
        answer = run(server, f"ls -A; echo {i} > f{i}", ["f*"], stdin="x" * 100000).json
        assert (answer["stdout"], files_of(answer)) == ("main.sh\n", {f"f{i}": f"{i}\n".encode()})
