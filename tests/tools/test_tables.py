"""Tables for a terminal, and those of languages and images in the documents."""
import re

import pytest
from test_folders import write

from checking import may_be_absent
from folders import IMAGES, LANGUAGES_FOLDER, OURS, WHERE_BUILT, Problem, languages_of, read_folders
from plan import hosts_of
from tables import BEGIN, END, listed_names, long_table, put_between, shared_table, short_table, table

TOLD = [{"id": "python", "name": "Python", "versions": ["3.13.5", "pypy-7.3.19"], "aliases": ["py", "python3"],
         "file": "main.py", "compiled": False, "packages": [{"name": "numpy", "version": "2.2.4"}]},
        {"id": "c", "name": "C", "versions": ["14.2.0"], "aliases": [],
         "file": "main.c", "compiled": True, "packages": []}]


def test_the_tables():
    assert short_table(TOLD) == """\
| id | name | versions | also known as |
|---|---|---|---|
| `c` | C | 14.2.0 |  |
| `python` | Python | 3.13.5, pypy-7.3.19 | `py` `python3` |
"""
    assert "| `c` | 14.2.0 |  | `main.c` | compiled |  |" in long_table(TOLD, {})
    assert "| `python3` | `main.py` |  | numpy 2.2.4 |" not in long_table(TOLD, {})
    assert "| `py` `python3` | `main.py` |  | numpy 2.2.4 |" in long_table(TOLD, {})


def test_what_is_between_the_marks_is_replaced():
    text = f"a\n{BEGIN}\nold\n{END}\nb\n"
    assert put_between(text, "new\n") == f"a\n{BEGIN}\nnew\n{END}\nb\n"
    assert put_between(put_between(text, "new\n"), "new\n") == put_between(text, "new\n")
    with pytest.raises(Problem, match="are missing"):
        put_between("a\n", "new\n")


def test_names_are_read_again():
    for content in (short_table(TOLD), long_table(TOLD, {})):
        assert listed_names(put_between(f"{BEGIN}\n{END}\n", content)) == {"python": ["py", "python3"], "c": []}


def names_of(folder):
    """(the names of its versions that are always there, those of versions that may be absent)"""
    always, others = set(folder.language.get("aliases", [])), set()
    for entry in folder.language.get("versions", []):
        absent = {**folder.language, **entry}.get("proven") == WHERE_BUILT
        (others if absent else always).update(entry.get("aliases", []))
    return always, others


@pytest.mark.parametrize("document", ["README.md", "docs/languages.md"])
def test_the_documents_list_what_the_folders_have(document):
    listed = listed_names((IMAGES.parent / document).read_text(encoding="utf-8"))
    folders = languages_of(read_folders([LANGUAGES_FOLDER])[0])
    needed = {folder.id for folder in folders if not may_be_absent(folder)}
    assert needed <= set(listed) <= {folder.id for folder in folders}, "images/table writes it anew"
    for folder in folders:
        always, others = names_of(folder)
        if folder.id in listed:
            assert always <= set(listed[folder.id]) <= always | others, f"{folder.id}: images/table writes it anew"


def test_the_document_lists_what_is_proven_where_it_is_built():
    text = (IMAGES.parent / "docs" / "languages.md").read_text(encoding="utf-8")
    part = text.partition("<!-- where built:")[2].partition("<!-- where built end -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("| `")]
    found = read_folders([LANGUAGES_FOLDER])[0]
    folders = {folder.id: folder for folder in languages_of(found) if folder.unproven()}
    assert [row[0].strip("`") for row in rows] == sorted(folders)
    for id_, version, names, hosts in rows:
        folder = folders[id_.strip("`")]
        always, others = names_of(folder)
        assert set(re.findall(r"`([^`]+)`", names)) == (always if may_be_absent(folder) else others), id_
        images = [folder.unproven()[0].removeprefix(OURS), *(["dotnet"] if id_ == "`fsharp`" else [])]
        dockerfile = "".join(found[image].dockerfile.read_text(encoding="utf-8") for image in images)
        assert hosts.split(", ") == hosts_of(dockerfile), id_
        assert "NET" in version or version.split(",")[0] in dockerfile, id_


def test_the_readme_of_images_lists_the_shared_images():
    text = (IMAGES / "README.md").read_text(encoding="utf-8")
    assert put_between(text, shared_table(read_folders([LANGUAGES_FOLDER])[0])) == text, "images/table writes it anew"


def test_a_shared_image_says_what_it_holds(tmp_path):
    write(tmp_path, "many", dockerfile="# One, two.\nARG BASE=codecell/base\nFROM ${BASE}\n")
    write(tmp_path, "one", {"image": "codecell/many"})
    write(tmp_path, "own", {"name": "Own", "image": "codecell/own"}, "FROM codecell/many\n")
    write(tmp_path, "two", {"image": "codecell/own", "versions": [{"image": "codecell/many"}]})
    assert shared_table(read_folders([tmp_path])[0]).splitlines()[2:] == [
        "| `many` | One, two | `base` | `one` `two` |",
        "| `own` | the image of Own, which others use, too | `many` | `own` `two` |"]
    (tmp_path / "many" / "Dockerfile").write_text("ARG BASE=codecell/base\n")
    with pytest.raises(Problem, match="many/Dockerfile: the first line must be a comment"):
        shared_table(read_folders([tmp_path])[0])


def test_a_table():
    rows = [("image", "MB", "languages"), ("a", "100", "x y"), ("long", "1", "")]
    assert table(rows, right=(1,)) == ["image   MB  languages", "a      100  x y", "long     1"]
