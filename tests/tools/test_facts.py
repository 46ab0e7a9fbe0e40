"""The label that says what an image holds, which of it is believed, and when an image gets its name."""
import hashlib
import json
import shlex

import pytest
from test_folders import write

import builder
import facts
from builder import Builder
from folders import Problem, read_folders
from plan import Image, images_by_name
from proving import languages_on, write_folders

ONE, TWO = (facts.Question((name,), (("A", "1"),)) for name in ("one", "two"))


def image(*layers, labels=None, env=("PATH=/bin",)):
    return {"Id": "id", "RootFS": {"Layers": list(layers)}, "Config": {"Env": list(env), "Labels": labels}}


def labelled(told, answers, wanted=()):
    return image(*told["RootFS"]["Layers"], labels={facts.LABEL: facts.label_text(told, answers, wanted)})


def test_what_was_written_is_believed_of_that_image_alone():
    bare = image("a", "b")
    told = labelled(bare, {ONE: "it's 1.0 for $5\n", TWO: ""})
    assert facts.answers_on(told, told) == facts.answers_on(told, bare) == {ONE: "it's 1.0 for $5\n", TWO: ""}
    for other in (image("a"), image("a", "b", "c"), image("a", "b", env=()), image("b", "a")):
        assert facts.answers_on(told, other) == {}
    assert facts.answers_on(bare, bare) == {}


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"layers": ["a"], "env": ["PATH=/bin"]}',
                                  '{"layers": ["a"], "env": ["PATH=/bin"], "answers": [{}]}',
                                  '{"layers": ["a"], "env": ["PATH=/bin"], "answers": [1]}'])
def test_another_label_of_that_name_says_nothing(text):
    told = image("a", labels={facts.LABEL: text})
    assert facts.answers_on(told, told) == {}


def test_the_label_is_plain_and_has_a_cap():
    told = image("a")
    text = facts.label_text(told, {ONE: "'$HOME' \"x\" \\ ü\n"}, [ONE])
    assert text.isascii() and not set("'$\n") & set(text)
    assert json.loads(text)["answers"] == [{"argv": ["one"], "env": {"A": "1"}, "output": "'$HOME' \"x\" \\ ü\n"}]
    assert facts.label_text(told, {}, [ONE]) == ""
    large = facts.label_text(told, {ONE: "x" * 40000, TWO: "y" * 40000}, [TWO])
    assert len(large) <= facts.LABEL_MAX and json.loads(large)["answers"][0]["argv"] == ["two"]
    assert facts.dockerfile("c:bare", {"a": "1", "b": "2"}) == "FROM c:bare\nLABEL a='1' \\\nb='2'\n"


def test_what_the_languages_of_an_image_ask_it(tmp_path):
    write(tmp_path, "one", {"image": "x", "environment": {"B": "2", "A": "1"}, "packages": {"argv": ["ls"]},
                            "versions": [{"image": "y", "packages": None}, {"version": {"argv": ["v"]}}]})
    write(tmp_path, "two", {"image": "y", "proven": "where built"})
    found = images_by_name(read_folders([tmp_path])[0])
    assert [(each.argv, each.env) for each in found["x"].questions] == [
        (("/usr/bin/gawk", "--version"), (("A", "1"), ("B", "2"))), (("ls",), (("A", "1"), ("B", "2"))),
        (("v",), (("A", "1"), ("B", "2"))), (("ls",), (("A", "1"), ("B", "2")))]
    assert [each.env for each in found["y"].questions] == [(("A", "1"), ("B", "2")), ()]
    assert [folder.id for folder in found["y"].unproven] == ["two"] and not found["x"].unproven


def test_a_language_with_an_image_that_has_no_name_yet(tmp_path):
    write(tmp_path, "c", {"name": "C", "image": "gcc", "compile": {"argv": ["gcc"]}, "versions": [
        {"name": "clang", "image": "clang", "compile": {"argv": ["clang"]}, "aliases": ["clang"]},
        {"name": "tcc", "image": "clang", "compile": None}]})
    (tmp_path / "c" / "tests.txt").write_text("=== hello\n")
    folder = read_folders([tmp_path])[0]["c"]
    _, language = languages_on(folder, "clang", "clang:new")
    assert (language["name"], language["image"], language["compile"]) == ("C", "clang:new", {"argv": ["clang"]})
    assert language["versions"] == [{"compile": None, "name": "tcc", "image": "clang:new"}]
    assert "versions" not in languages_on(folder, "gcc", "gcc:new")[1]
    write_folders(tmp_path / "out", [languages_on(folder, "clang", "clang:new")])
    assert read_folders([tmp_path / "out"])[0]["c"].images() == ["clang:new"]
    assert (tmp_path / "out" / "c" / "tests.txt").read_text() == "=== hello\n"


# The way to a name, on an engine that is a dictionary.

class Engine:
    """Images by tag. What is built has one layer, named as what its folder says."""

    def __init__(self, monkeypatch):
        self.images, self.asked, self.proofs = {}, [], 0
        monkeypatch.setattr(builder, "inspect_image", lambda name: self.images.get(name))
        monkeypatch.setattr(builder, "docker", self.docker)
        monkeypatch.setattr(builder, "program", lambda: "codecell")
        monkeypatch.setattr(facts, "run_locked", self.run)

    def docker(self, *words):
        if words[0] == "tag":
            self.images[words[2]] = next(each for name, each in self.images.items() if words[1] in (name, each["Id"]))
        elif words[2] in self.images:
            del self.images[words[2]]

    def run(self, name, argv, *_):
        self.asked.append((name, *argv))
        return 0, f"1.0 of {self.images[name]['RootFS']['Layers'][0]}", ""

    def watch(self, _image, command, **more):
        log = type("Log", (), {"read_text": lambda *_, **__: "the log"})()
        if command[0] != "docker":
            assert "CODECELL_LANGUAGES" in more
            return self.proofs, log
        labels = dict(word.split("=", 1) for word in command if word.startswith("io.codecell."))
        text = open(command[-1] + "/Dockerfile", encoding="ascii").read()
        below = self.images.get(text.split()[1])
        if "\nLABEL" in text:
            labels = {**(below["Config"]["Labels"] or {}), **labels}
            labels |= dict(word.split("=", 1) for word in shlex.split(text.split("LABEL ")[1].replace("\\\n", "")))
        layers = below["RootFS"]["Layers"] if below else [text]
        made = image(*layers, labels=labels)
        self.images[command[3]] = {**made, "Id": hashlib.sha256(repr((layers, labels)).encode()).hexdigest()}
        return 0, log


@pytest.fixture(name="engine")
def engine_of_a_dictionary(monkeypatch):
    return Engine(monkeypatch)


def build(engine, folder, questions, **more):
    name = "codecell/" + folder.name
    one = Image(name, read_folders([folder.parent])[0][folder.name], questions=questions, **more)
    trial = Builder([one], jobs=1)
    trial.watch = engine.watch
    trial.debian = None
    try:
        assert trial.run() == (trial.results[name] != "FAILED")
    finally:
        trial.close()
    return trial.results[name]


def test_an_image_is_asked_once_and_labelled_again_without_being_built(engine, tmp_path):
    folder = write(tmp_path, "x", {}, "FROM nothing\n")
    assert isinstance(build(engine, folder, [ONE]), float) and engine.asked == [("codecell/x:new", "one")]
    assert build(engine, folder, [ONE]) == "up to date" and len(engine.asked) == 1
    first = engine.images["codecell/x"]
    assert facts.answers_on(first, first) == {ONE: "1.0 of FROM nothing\n"}
    assert isinstance(build(engine, folder, [ONE, TWO]), float) and engine.asked[1:] == [("codecell/x", "two")]
    second = engine.images["codecell/x"]
    assert set(facts.answers_on(second, second)) == {ONE, TWO} and facts.identity(second) == facts.identity(first)
    assert build(engine, folder, [ONE]) == "up to date", "what another folder of languages asked stays"
    (folder / "Dockerfile").write_text("FROM other\n")
    assert isinstance(build(engine, folder, [ONE]), float) and engine.asked[2:] == [("codecell/x:new", "one")]
    assert set(engine.images) == {"codecell/x"}


def test_an_image_of_before_gets_its_label(engine, tmp_path):
    folder = write(tmp_path, "x", {}, "FROM nothing\n")
    assert isinstance(build(engine, folder, []), float) and engine.asked == []
    assert facts.LABEL not in engine.images["codecell/x"]["Config"]["Labels"]
    build(engine, folder, [ONE])
    assert engine.asked == [("codecell/x", "one")] and facts.LABEL in engine.images["codecell/x"]["Config"]["Labels"]


def test_what_others_start_from_stays_as_it_is(engine, tmp_path):
    folder = write(tmp_path, "x", {}, "FROM nothing\n")
    build(engine, folder, [ONE], below=True)
    bare = engine.images["codecell/x:bare"]
    assert not bare["Config"]["Labels"] and builder.bare("codecell/x") == "codecell/x:bare"
    assert build(engine, folder, [ONE], below=True) == "up to date"
    assert isinstance(build(engine, folder, [TWO], below=True), float)
    assert engine.images["codecell/x:bare"] == bare
    named = engine.images["codecell/x"]
    assert set(facts.answers_on(named, bare)) == {ONE, TWO}
    write(tmp_path, "y", {}, "ARG BASE=codecell/x\nFROM ${BASE}\n")
    above = images_by_name(read_folders([tmp_path])[0])["codecell/y"]
    assert "BASE=codecell/x:bare" in Builder([]).build_command(above, "codecell/y:new", "")
    plain = write(tmp_path, "z", {}, "FROM nothing more\n")
    build(engine, plain, [], below=True)
    assert engine.images["codecell/z"] == engine.images["codecell/z:bare"], "nothing to say: the same image"


def test_a_command_that_fails_is_left_to_the_server(engine, tmp_path, monkeypatch):
    folder = write(tmp_path, "x", {}, "FROM nothing\n")
    monkeypatch.setattr(facts, "run_locked", lambda *_: (1, "1.0", ""))
    build(engine, folder, [ONE])
    assert facts.LABEL not in engine.images["codecell/x"]["Config"]["Labels"]


@pytest.mark.parametrize("below", [False, True])
def test_an_image_whose_proofs_fail_gets_no_name(engine, tmp_path, below, capsys, monkeypatch):
    folder = write(tmp_path, "x", {"image": "codecell/x"}, "FROM nothing\n")
    unproven = {"unproven": [read_folders([tmp_path])[0]["x"]], "below": below}
    engine.proofs = 1
    assert build(engine, folder, [], **unproven) == "FAILED" and engine.images == {}
    assert "its proofs fail, so it does not get its name:\nthe log" in capsys.readouterr().out
    engine.proofs = 0
    assert isinstance(build(engine, folder, [], **unproven), float)
    offered = engine.images["codecell/x"]
    (folder / "Dockerfile").write_text("FROM other\n")
    engine.proofs = 1
    assert build(engine, folder, [], **unproven) == "FAILED" and engine.images["codecell/x"] == offered
    assert engine.images.get("codecell/x:bare") == (offered if below else None)

    def no_server():
        raise Problem("no server is built")
    monkeypatch.setattr(builder, "program", no_server)
    assert isinstance(build(engine, folder, [], **unproven), float), "then it is said"
    assert "codecell/x: not proven, because no server is built: use images/check x" in capsys.readouterr().out
