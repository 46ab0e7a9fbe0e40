"""images/build on a real engine: what it writes on an image, and that proofs decide whether an image gets its name."""
import json
import os
import subprocess
import sys

import pytest

from codecell import BIN, ROOT

sys.path.append(str(ROOT / "images" / "lib"))

import facts
from engine import inspect_image

BASE = "codecell-test/base"  # not a name that images/build would build
GOOD, BAD = "built-well", "built-badly"


def tool(folder, name, *words):
    env = {**os.environ, "CODECELL_LANGUAGES": str(folder), "CODECELL_BIN": os.path.abspath(BIN)}
    return subprocess.run([ROOT / "images" / name, *words], env=env, capture_output=True, text=True, check=False)


def change(folder, **fields):
    file = folder / "language.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two languages like those of images/new, proven where they are built; one has a proof that fails."""
    path = tmp_path_factory.mktemp("languages")
    for name in (GOOD, BAD):
        assert tool(path, "new", name, "--in", str(path)).returncode == 0
        (path / name / "Dockerfile").write_text(f"FROM {BASE}\nRUN echo {name} > /etc/built\n")
        change(path / name, proven="where built")
    with open(path / BAD / "tests.txt", "a", encoding="utf-8") as file:
        file.write('\n=== of_its_own {"expect": {"stdout": "something else"}}\necho this\n')
    subprocess.run(["docker", "tag", "codecell/base", BASE], check=True)
    try:
        yield path
    finally:
        subprocess.run(["docker", "rmi", "-f", BASE, "codecell/" + GOOD, "codecell/" + BAD], capture_output=True,
                       check=False)


def test_one_whose_proofs_fail_does_not_get_its_name(folder):
    done = tool(folder, "build")
    assert done.returncode == 1 and "not built: " + BAD in done.stderr, done.stderr + done.stdout
    assert "its proofs fail, so it does not get its name" in done.stdout and f"{BAD}: of_its_own: " in done.stdout
    assert [inspect_image(f"codecell/{name}") is not None for name in (GOOD, BAD)] == [True, False]
    assert [inspect_image(f"codecell/{name}:new") for name in (GOOD, BAD)] == [None, None]
    assert "Everything is up to date." in tool(folder, "build", GOOD).stdout


def test_a_changed_command_is_asked_and_nothing_built(folder):
    before = inspect_image("codecell/" + GOOD)
    change(folder / GOOD, version={"argv": ["/bin/sh", "-c", "echo \"it's\" '$5' 1.2; cat /etc/built"]})
    done = tool(folder, "build", GOOD)
    assert done.returncode == 0 and "done in" in done.stdout, done.stdout + done.stderr
    after = inspect_image("codecell/" + GOOD)
    assert facts.identity(after) == facts.identity(before)
    answers = facts.answers_on(after, after)
    assert len(answers) == 2 and f"it's $5 1.2\n{GOOD}\n" in answers.values()
    assert facts.labels_of(after)["io.codecell.source"] == facts.labels_of(before)["io.codecell.source"]
    assert "Everything is up to date." in tool(folder, "build", GOOD).stdout
