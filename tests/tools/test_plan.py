"""Which images are built, and in which order."""
import pytest
from test_folders import write

from folders import Problem, read_folders
from plan import (ci_languages, fingerprint, hosts_of, images_by_name, in_order, shared_images, starts_from,
                  wanted_images)


@pytest.fixture(name="folders")
def folders_of_a_small_world(tmp_path):
    write(tmp_path, "base", dockerfile="# codecell/nothing\nARG BASE=debian:trixie-slim\nFROM ${BASE}\n")
    write(tmp_path, "gcc", dockerfile="ARG BASE=codecell/c\nFROM ${BASE}\n")
    write(tmp_path, "c", {"image": "codecell/c"}, "ARG BASE=codecell/base\nFROM ${BASE}\n")
    write(tmp_path, "ada", {"image": "codecell/gcc"})
    write(tmp_path, "d", {"image": "codecell/gcc", "versions": [{"image": "codecell/ldc"}, {"image": "ldc:1"}]})
    write(tmp_path, "ldc", dockerfile="ARG BASE=codecell/base\nFROM ${BASE}\nCOPY --from=codecell/c /x /x\n")
    return read_folders([tmp_path])[0]


def order(folders, *ids, versions=True):
    images = in_order(images_by_name(folders), wanted_images(folders, ids, versions))
    return [image.name.removeprefix("codecell/") for image in images]


@pytest.mark.parametrize("text,names", [
    ("ARG BASE=codecell/base\nFROM ${BASE}\n", ["base"]), ("FROM codecell/c AS x\nFROM codecell/base\n", ["c", "base"]),
    ("# codecell/c\nFROM codecell/base:latest\n", ["base"]),
    ("FROM debian\nCOPY --from=codecell/a.b-1 / /\n", ["a.b-1"]),
    ("FROM registry/codecell/x\n", []), ("FROM debian\nRUN echo codecell/x\n", []),
    ("FROM debian\nRUN --mount=type=bind,from=codecell/x,target=/x true\n", ["x"]),
])
def test_what_a_dockerfile_starts_from(text, names):
    assert starts_from(text) == ["codecell/" + name for name in names]


def test_each_comes_after_what_it_needs(folders):
    assert order(folders, "ada") == ["base", "c", "gcc"]
    assert order(folders, "gcc") == ["base", "c", "gcc"]
    assert order(folders, "d") == ["base", "c", "gcc", "ldc", "ldc:1"]
    assert order(folders, "d", versions=False) == ["base", "c", "gcc"]
    assert order(folders, "base") == ["base"] and order(folders, "c", "c") == ["base", "c"]
    assert sorted(order(folders)) == ["base", "c", "gcc", "ldc", "ldc:1"]


def test_who_runs_in_what(folders):
    images = images_by_name(folders)
    assert images["codecell/gcc"].languages == ["ada", "d"] and images["ldc:1"].folder is None
    assert images["codecell/base"].below and images["codecell/c"].below and not images["codecell/gcc"].below


def test_what_cannot_be(folders, tmp_path):
    with pytest.raises(Problem, match="no language or image 'x'; the ids are: ada base c d gcc ldc"):
        order(folders, "x")
    write(tmp_path, "lost", {"image": "codecell/away"})
    with pytest.raises(Problem, match=r"lost/language.json: image: no folder 'away' has a Dockerfile"):
        order(read_folders([tmp_path])[0], "lost")
    write(tmp_path, "round", dockerfile="FROM codecell/trip\n")
    write(tmp_path, "trip", dockerfile="FROM codecell/round\n")
    with pytest.raises(Problem, match="codecell/round starts from itself through codecell/round and codecell/trip"):
        order(read_folders([tmp_path])[0], "round")


def test_what_an_image_is_made_of(tmp_path):
    folder = write(tmp_path, "c", {}, "FROM codecell/base\n")
    first = fingerprint(folder, ["id"])
    (folder / "language.json").write_text("{}")
    (folder / "tests.txt").write_text("=== hello\n")
    assert fingerprint(folder, ["id"]) == first
    assert fingerprint(folder, ["other"]) != first
    (folder / "driver").write_text("#!/bin/sh\n")
    second = fingerprint(folder, ["id"])
    (folder / "driver").chmod(0o755)
    assert len({first, second, fingerprint(folder, ["id"])}) == 3


def test_one_of_each_shared_image_is_checked(folders, tmp_path):
    assert shared_images(folders) == {"codecell/gcc": ["ada", "d"], "codecell/ldc": ["d"]}
    assert ci_languages(folders)[-2:] == ["ada", "d"]
    write(tmp_path, "cpp", {"image": "codecell/gcc"})
    assert "ada" not in ci_languages(read_folders([tmp_path])[0])


def test_what_may_be_absent(tmp_path):
    write(tmp_path, "base", dockerfile="FROM debian\n")
    write(tmp_path, "net", dockerfile="FROM codecell/base\n")
    write(tmp_path, "f", {"image": "codecell/f", "proven": "where built"}, "FROM codecell/net\n")
    write(tmp_path, "cs", {"image": "codecell/net", "proven": "where built",
                           "versions": [{"name": "mono", "image": "codecell/cs", "proven": None},
                                        {"image": "codecell/net"}]}, "FROM codecell/base\n")
    folders = read_folders([tmp_path])[0]
    images = images_by_name(folders)
    assert sorted(name for name, image in images.items() if image.optional) == ["codecell/f", "codecell/net"]
    assert [folder.id for folder in images["codecell/net"].unproven] == ["cs"] and images["codecell/cs"].unproven == []
    assert sorted(order(folders, "cs")) == ["base", "cs", "net"]
    assert order(folders, "cs", versions=False) == ["base", "cs"], "the one that was proven"
    assert order(folders, "f", versions=False) == ["base", "net", "f"]
    assert "codecell/net" not in shared_images(folders)
    write(tmp_path, "other", {"image": "codecell/net"})
    assert not images_by_name(read_folders([tmp_path])[0])["codecell/net"].optional


def test_where_a_dockerfile_downloads_from():
    assert hosts_of("# https://a.example/x\nFROM x\nRUN curl https://b.example/y http://c.example \\\n"
                    "  https://b.example:443/z\n") == ["b.example", "c.example"]
