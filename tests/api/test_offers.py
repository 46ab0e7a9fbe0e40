"""When a language is offered: by its image's label, or by the image's own answer when a request asks for the language."""
import json
import signal
import subprocess
import sys

import pytest

from codecell import ROOT, Server, in_parallel, wait_for

sys.path.append(str(ROOT / "images" / "lib"))

import facts
from engine import inspect_image

NAME = "codecell-test/labelled"
SAYS = ("/usr/bin/echo", "says 1.2.3")


def language(id_, image="codecell/bash", **more):
    return {"id": id_, "name": id_, "image": image, "file": "main.sh", "run": {"argv": ["/usr/bin/bash", "main.sh"]},
            "environment": {"WHICH": id_}, "version": {"argv": list(SAYS)},
            "example": {"code": "echo 1\n", "stdout": "1\n"}, **more}


def hanging(id_):
    return language(id_, version={"argv": ["/usr/bin/sleep", "1000"]})


# The background goes by the alphabet: the images that hang come before the one that is asked for.
LANGUAGES = [
    *(hanging(f"hangs{number}") for number in range(6)),
    language("labelled", NAME, packages={"argv": ["/usr/bin/false"]}), language("wanted"),
    language("wanted-of-three", versions=[{"name": "other"}, {"version": {"argv": ["/usr/bin/echo", "2.0"]}}]),
]


def label(tag):
    """Gives an image answers that its commands never gave."""
    told = inspect_image("codecell/bash")
    answers = {facts.Question(SAYS, (("WHICH", "labelled"),)): "it's 7.8.9 for $5\n",
               facts.Question(("/usr/bin/false",), (("WHICH", "labelled"),)): "left-pad 1.0\n"}
    text = facts.dockerfile("codecell/bash", {facts.LABEL: facts.label_text(told, answers, answers)})
    subprocess.run(["docker", "build", "-q", "-t", tag, "-"], input=text, text=True, capture_output=True, check=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("languages")
    for each in LANGUAGES:
        (path / each["id"]).mkdir()
        (path / each["id"] / "language.json").write_text(json.dumps(each))
    try:
        label(NAME)
        yield str(path)
    finally:
        subprocess.run(["docker", "rmi", "-f", NAME], capture_output=True, check=False)


@pytest.fixture(scope="module")
def offering(folder):
    with Server({"CODECELL_LANGUAGES": folder, "CODECELL_POOL": "*=0"}, languages=["labelled"]) as one:
        yield one.start()


def test_a_label_is_believed_and_nothing_asked(offering):
    told = offering.get("/api/v1/languages/labelled", key=None).json
    assert told["version"] == "7.8.9" and told["packages"] == [{"name": "left-pad", "version": "1.0"}]
    assert offering.output('echo "$WHICH"', "labelled") == "labelled\n"
    assert offering.database("select * from image_facts where language = 'labelled'") == []


def test_what_is_wanted_is_asked_first_and_waited_for(offering):
    """Six images that hang come before it, two at a time for 20 s each."""
    results = in_parallel([lambda: offering.run('echo "$WHICH"', "wanted"),
                           lambda: offering.run("echo 1", "wanted-of-three"),
                           lambda: offering.run("echo 1", "wanted-of-three", version="other"),
                           lambda: offering.run("echo 1", "labelled")])
    assert [each["version"] for each in results] == ["1.2.3", "2.0", "other-1.2.3", "7.8.9"]
    assert results[0]["stdout"] == "wanted\n"
    assert not offering.events("language.unavailable", language="hangs5"), "it waited for those that hang"
    assert not offering.events("language.offered", language="hangs0")


def test_it_waits_no_longer_than_its_program_may_take(offering):
    answer = offering.execute("echo 1", "hangs5", timeout=1)
    if answer.status != 400:  # on a machine so slow that the answer was known to be none
        assert (answer.status, answer.detail) == (503, "The language cannot run yet. Please try again later.")
        assert answer.header("Retry-After")
    assert offering.output("echo 1", "labelled") == "1\n"


def test_a_client_that_waits_may_leave_and_the_server_end(launch, folder):
    server = launch({"CODECELL_LANGUAGES": folder, "CODECELL_POOL": "*=0"}, languages=["labelled"])

    def begin(wanted):
        """A request that waits: its image's container is there."""
        pending = server.begin("echo 1", wanted, timeout=300)
        wait_for("its container", lambda: any(cell["labels"]["io.codecell.language"] == wanted
                                              for cell in server.containers()))
        return pending
    begin("hangs5").leave()
    wait_for("no connection", lambda: server.connections() == 0)
    last = begin("hangs4")
    server.signal(signal.SIGTERM)
    assert last.answer().status == 503
    server.check_ended()
