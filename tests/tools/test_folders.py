"""How the folders of languages are read, and that no name belongs to two."""
import json
import re

import pytest

from checking import proofs_of
from folders import LANGUAGES_FOLDER, SHARED_FOLDER, Folder, Problem, extensions, languages_of, read_folders, variants
from proofs import STANDARD

AWK = {"id": "awk", "name": "AWK", "aliases": ["gawk"], "image": "codecell/script", "file": "main.awk",
       "run": {"argv": ["/usr/bin/gawk", "-f", "main.awk"]}, "version": {"argv": ["/usr/bin/gawk", "--version"]},
       "example": {"code": "BEGIN { print 42 }\n", "stdout": "42\n"}}


def write(parent, name, language=None, dockerfile=None):
    folder = parent / name
    folder.mkdir(parents=True)
    if language is not None:
        text = language if isinstance(language, str) else json.dumps({**AWK, "id": name, "aliases": [], **language})
        (folder / "language.json").write_text(text)
    if dockerfile is not None:
        (folder / "Dockerfile").write_text(dockerfile)
    return folder


def test_a_folder_is_a_language_an_image_or_both(tmp_path):
    write(tmp_path, "awk", {})
    write(tmp_path, "script", dockerfile="FROM codecell/base\n")
    write(tmp_path, "lua", {"image": "codecell/lua"}, "FROM codecell/base\n")
    (tmp_path / "lib").mkdir()
    found, problems = read_folders([tmp_path])
    assert not problems and [folder.id for folder in languages_of(found)] == ["awk", "lua"]
    assert found["script"].language is None and found["awk"].dockerfile is None
    assert found["awk"].images() == ["codecell/script"] and found["script"].images() == ["codecell/script"]


def test_versions_have_what_they_do_not_say_themselves(tmp_path):
    versions = [{"image": "codecell/old", "aliases": ["awk1"]}, {"name": "mawk", "run": {"argv": ["/usr/bin/mawk"]}}]
    write(tmp_path, "awk", {"versions": versions, "aliases": ["gawk"]})
    folder = Folder(tmp_path / "awk")
    own, old, mawk = variants(folder.language)
    assert own["image"] == mawk["image"] == "codecell/script" and old["image"] == "codecell/old"
    assert mawk["run"]["argv"] == ["/usr/bin/mawk"] and old["run"] == own["run"]
    assert folder.images() == ["codecell/script", "codecell/old"]
    assert list(folder.names()) == [("id", "awk"), ("aliases", "gawk"), ("versions[0].aliases", "awk1")]


@pytest.mark.parametrize("language,said", [
    ("{", "language.json: "), ("[]", "must be an object"), ({"id": "other"}, "id: must be the folder's name, awk"),
    ({"name": None}, "name: must be a string"), ({"run": "gawk"}, "run.argv: "), ({"run": {"argv": []}}, "run.argv: "),
    ({"version": {"argv": [1]}}, "version.argv: "), ({"image": ""}, "image: "), ({"aliases": "x"}, "aliases: "),
    ({"aliases": ["AWK2"]}, "aliases: AWK2 is not in lower case"), ({"versions": {}}, "versions: "),
    ({"versions": [{"run": {}}]}, "versions[0].run.argv: "),
    ({"versions": [{"aliases": [1]}]}, "versions[0].aliases: "), ({"live": False}, "live: must be true"),
    ({"versions": [{"live": "stdbuf"}]}, "versions[0].live: must be true"),
    ({"aliases": ["awk"]}, "aliases: awk is listed twice"), ({"aliases": ["x", "x"]}, "aliases: x is listed twice"),
], ids=range(17))
def test_what_is_wrong_is_said_with_file_and_field(tmp_path, language, said):
    write(tmp_path, "awk", language)
    _, problems = read_folders([tmp_path])
    assert list(problems) == ["awk"] and len(problems["awk"]) == 1
    assert problems["awk"][0].startswith(str(tmp_path / "awk" / "language.json")) and said in problems["awk"][0]


def test_a_name_belongs_to_one(tmp_path):
    write(tmp_path, "awk", {"aliases": ["zawk", "shared"]})
    write(tmp_path, "lua", {"aliases": ["shared"]})
    write(tmp_path, "zawk", {"versions": [{"aliases": ["lua"]}]})
    _, problems = read_folders([tmp_path])
    assert {id_: [sentence.rpartition("json: ")[2] for sentence in each] for id_, each in problems.items()} == {
        "awk": ["aliases: zawk already belongs to zawk"], "lua": ["aliases: shared already belongs to awk"],
        "zawk": ["versions[0].aliases: lua already belongs to lua"]}


def test_one_that_is_broken_leaves_the_others(tmp_path):
    write(tmp_path, "awk", {})
    write(tmp_path, "broken", "{")
    found, problems = read_folders([tmp_path])
    assert "awk" in found and list(problems) == ["broken"]


def test_folders_elsewhere_may_start_from_our_images(tmp_path, monkeypatch):
    write(tmp_path, "mine", {}, "FROM codecell/base\n")
    monkeypatch.setenv("CODECELL_LANGUAGES", str(tmp_path))
    found, problems = read_folders()
    assert not problems and [folder.id for folder in languages_of(found)] == ["mine"]
    assert found["base"].path == SHARED_FOLDER / "base"
    monkeypatch.setenv("CODECELL_LANGUAGES", str(tmp_path / "nowhere"))
    with pytest.raises(Problem, match="nowhere"):
        read_folders()


OURS, PROBLEMS = read_folders([LANGUAGES_FOLDER])


@pytest.mark.parametrize("folder", languages_of(OURS), ids=lambda folder: folder.id)
def test_each_language_has_its_proofs(folder):
    assert len(proofs_of(folder)) >= len(STANDARD) - 1


@pytest.mark.parametrize("folder", [each for each in OURS.values() if each.dockerfile], ids=lambda folder: folder.id)
def test_a_dockerfile_says_first_what_it_starts_from(folder):
    lines = [line for line in folder.dockerfile.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    wanted = r"ARG BASE=debian:[a-z]+-slim" if folder.id == "base" else r"ARG BASE=codecell/[a-z0-9._-]+"
    assert re.fullmatch(wanted, lines[0])


def test_every_name_is_one_s_own_and_every_ending_a_name():
    found, problems = OURS, PROBLEMS
    assert not problems, problems
    names = {name: folder.id for folder in found.values() for _, name in folder.names()}
    for ending, ids in extensions(found.values()).items():
        assert names.get(ending) in ids, f".{ending} of {' and '.join(ids)} is not a name of any of them"
