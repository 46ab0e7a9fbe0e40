"""What is compared with what the images say; what a failed check says; which of them tests/run counts."""
import sys
from pathlib import Path

import pytest
from test_folders import write

import checking
from checking import Result, named_variants, version_in
from folders import Folder, read_folders
from proofs import Proof, read_proofs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from stages import failures_in

NEW = Path(__file__).resolve().parents[2] / "images" / "new"


@pytest.mark.parametrize("text,version", [
    ("Python 3.13.5", "3.13.5"), ("v24.1.0\n", "24.1.0"), ("java 21 2023-09-19\nbuild 21.0.4+7", "21.0.4"),
    ("openjdk 25", "25"), ("none", None), ("9.", "9"), ("GNU bash, version 5.2.37(1)-release", "5.2.37"),
])
def test_the_version_in_a_text(text, version):
    assert version_in(text) == version


def test_a_version_with_a_name_is_another_implementation(tmp_path):
    write(tmp_path, "c", {"versions": [{"image": "x"}, {"name": "clang"}], "name": "C"})
    told = [(variant["named"], variant["name"]) for variant in named_variants(Folder(tmp_path / "c").language)]
    assert told == [(False, "C"), (False, "C"), (True, "clang")]


CS = {"image": "net", "proven": "where built", "versions": [{"name": "mono", "image": "mono", "proven": None}]}


@pytest.mark.parametrize("language,images,missing,here", [
    (CS, ["net", "mono"], [], 2), (CS, ["mono"], [], 1), (CS, ["net"], ["mono"], 1), (CS, [], ["net", "mono"], 0),
    ({"image": "net", "proven": "where built"}, [], ["net"], 0), ({"image": "net"}, [], ["net"], 0),
])
def test_which_images_a_language_lacks(tmp_path, monkeypatch, language, images, missing, here):
    write(tmp_path, "c", {**language, "name": "C"})
    folder = Folder(tmp_path / "c")
    monkeypatch.setattr(checking, "inspect_image", lambda image: {} if image in images else None)
    assert checking.missing_images(folder) == missing and len(checking.here(folder)) == here
    assert checking.may_be_absent(folder) == (language.get("proven") is not None and "versions" not in language)


def test_names_alone_are_no_version(tmp_path, monkeypatch):
    write(tmp_path, "c", {"name": "C", "versions": [{"aliases": ["d"]}, {"image": "other"}, {"name": "x"}]})
    monkeypatch.setattr(checking, "inspect_image", lambda image: {})
    assert [variant["image"] for variant in checking.here(Folder(tmp_path / "c"))][1] == "other"
    assert len(checking.here(Folder(tmp_path / "c"))) == 3


def test_a_proof_of_a_version_that_may_be_absent(tmp_path):
    proof = Proof("a", 1, {"version": "10"}, {}, code="x")
    for language, versions, absent in ((CS, ["10.0.1", "mono-6.12"], False), (CS, ["mono-6.12", "1.10"], True),
                                       (CS, ["100.1"], True), ({"image": "net"}, ["9.1"], False)):
        (tmp_path / versions[0]).mkdir()
        write(tmp_path / versions[0], "c", {**language, "name": "C"})
        result = Result(Folder(tmp_path / versions[0] / "c"))
        result.versions = versions
        assert checking.is_absent(result, proof) == absent, versions


def test_a_failure_names_language_and_check():
    result = Result(Folder(Path(__file__).parent))
    result.check("hello", [])
    result.check("error (3.11.2)", ["status is 'completed', not 'failed'", "stderr has no match of 'x: y'"],
                 {"language": "tools"}, {"status": "completed", "queue_time": 1, "warnings": []})
    assert result.passed == 1 and result.done == ["hello", "error (3.11.2)"]
    text = "\n".join(["tools            1 passed, 1 FAILED", *result.failures, "1 passed, 1 failed"])
    assert '   answer   {"status": "completed"}' in text
    assert failures_in(text, ["tools"]) == ["tools: error (3.11.2)"]
    assert failures_in(text, ["other"]) == []


def new(monkeypatch, capsys, *words):
    """Runs images/new in this process; its exit status."""
    monkeypatch.setattr(sys, "argv", ["images/new", *words])
    scope = {"__name__": "images_new", "__file__": str(NEW)}
    exec(compile(NEW.read_text(encoding="utf-8"), str(NEW), "exec"), scope)
    status = scope["main"]()
    return status, capsys.readouterr()


def test_a_new_folder_is_whole(tmp_path, monkeypatch, capsys):
    status, _ = new(monkeypatch, capsys, "wren", "--in", str(tmp_path), "--package", "wren", "--file", "main.wren",
                    "--compile", "/usr/bin/wren build-exe main.wren", "--run", "./main")
    found, problems = read_folders([tmp_path])
    assert status == 0 and not problems
    wren = found["wren"]
    assert wren.language["compile"] == {"argv": ["/usr/bin/wren", "build-exe", "main.wren"]}
    assert wren.language["version"]["argv"] == ["/usr/bin/wren", "--version"]
    assert wren.language["run"] == {"argv": ["./main"]}
    assert wren.language["live"] is True
    assert "install -y --no-install-recommends wren" in wren.dockerfile.read_text()
    proofs = read_proofs((wren.path / "tests.txt").read_text(encoding="utf-8"), compiles=True)
    assert new(monkeypatch, capsys, "nut", "--in", str(tmp_path), "--run", "/bin/nut x", "--version", "/bin/nut -v")[0] == 0
    assert read_folders([tmp_path])[0]["nut"].language["version"] == {"argv": ["/bin/nut", "-v"]}
    assert "main.wren: " in next(proof for proof in proofs if proof.name == "error").expect["stderr"]


def test_a_new_folder_like_another(tmp_path, monkeypatch, capsys):
    write(tmp_path, "awk", {"aliases": ["zawk"], "least": {"processes": 9}, "live": {"prefix": ["/bin/stdbuf", "-oL"]}})
    (tmp_path / "awk" / "tests.txt").write_text("=== hello\nBEGIN { }\n")
    monkeypatch.setenv("CODECELL_LANGUAGES", str(tmp_path))
    status, _ = new(monkeypatch, capsys, "mawk", "--like", "awk", "--image", "mawk:1", "--run", "/bin/mawk -f main.awk")
    mawk = read_folders()[0]["mawk"]
    assert status == 0 and mawk.dockerfile is None and mawk.images() == ["mawk:1"]
    assert mawk.language["least"] == {"processes": 9} and mawk.language["live"] == {"prefix": ["/bin/stdbuf", "-oL"]}
    assert mawk.language["version"] == {"argv": ["/bin/mawk", "--version"]} and mawk.language["aliases"] == []
    assert (mawk.path / "tests.txt").read_text() == "=== hello\nBEGIN { }\n"
    for words, said in ((["awk"], "'awk' already belongs to awk"), (["zawk"], "'zawk' already belongs to awk"),
                        (["Z"], "an id is"), (["x", "--image", "a", "--package", "b"], "--image and --package"),
                        (["x", "--like", "base"], "no such language with proofs")):
        status, told = new(monkeypatch, capsys, *words)
        assert status == 1 and said in told.err and not (tmp_path / "x").exists()
