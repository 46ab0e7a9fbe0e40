"""Tables for a terminal, and those of languages in the documents."""
import pytest

from folders import IMAGES, Problem, languages_of, read_folders
from tables import BEGIN, END, listed_names, long_table, put_between, short_table, table

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
    assert "| `c` | 14.2.0 |  | `main.c` | compiles |  |" in long_table(TOLD, {})
    assert "| `python3` | `main.py` |  | numpy 2.2.4 |" not in long_table(TOLD, {})
    assert "| `py` `python3` | `main.py` |  | numpy 2.2.4 |" in long_table(TOLD, {})


def test_what_is_between_the_marks_is_replaced():
    text = f"a\n{BEGIN}\nold\n{END}\nb\n"
    assert put_between(text, "new\n") == f"a\n{BEGIN}\nnew\n{END}\nb\n"
    assert put_between(put_between(text, "new\n"), "new\n") == put_between(text, "new\n")
    with pytest.raises(Problem, match="there is no part between"):
        put_between("a\n", "new\n")


def test_names_are_read_again():
    for content in (short_table(TOLD), long_table(TOLD, {})):
        assert listed_names(put_between(f"{BEGIN}\n{END}\n", content)) == {"python": ["py", "python3"], "c": []}


@pytest.mark.parametrize("document", ["README.md", "docs/languages.md"])
def test_the_documents_list_what_the_folders_have(document):
    listed = listed_names((IMAGES.parent / document).read_text(encoding="utf-8"))
    folders = languages_of(read_folders([IMAGES])[0])
    assert sorted(listed) == [folder.id for folder in folders], "images/table writes it anew"
    for folder in folders:
        names = {name for field, name in folder.names() if field != "id"}
        assert set(listed[folder.id]) == names, f"{folder.id}: images/table writes it anew"


def test_a_table():
    rows = [("image", "MB", "languages"), ("a", "100", "x y"), ("long", "1", "")]
    assert table(rows, right=(1,)) == ["image   MB  languages", "a      100  x y", "long     1"]
