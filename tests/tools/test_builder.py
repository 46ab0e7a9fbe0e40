"""The order in which images are made, and which ones a failure leaves out."""
import threading

import pytest
from test_folders import write

import builder
from builder import STEP, Builder
from folders import Problem, read_folders
from plan import Image


class Trial(Builder):
    """Makes nothing, and remembers the order of the requests."""

    def __init__(self, images, broken=(), jobs=2):
        super().__init__(images, jobs=jobs)
        self.broken, self.made, self.most, self.now, self.meet = broken, [], 0, 0, threading.Barrier(jobs)

    def build(self, image):
        with self.change:
            self.now += 1
            self.most = max(self.most, self.now)
        if image.name.startswith("side"):
            self.meet.wait(30)  # each waits for the other, so only both at once can end
        with self.change:
            self.now -= 1
            self.made.append(image.name)
        if image.name in self.broken:
            raise Problem("could not be built")
        return 1.0

    pull = build


def run(images, **more):
    trial = Trial(images, **more)
    try:
        return trial.run(), trial
    finally:
        trial.close()


def test_each_after_what_it_needs_and_two_at_once():
    images = [Image("low"), Image("side1", needs=["low"]), Image("side2", needs=["low"]),
              Image("top", needs=["side1", "side2"])]
    good, trial = run(images)
    assert good and trial.most == 2
    assert trial.made[0] == "low" and trial.made[3] == "top"
    assert trial.results == {"low": 1.0, "side1": 1.0, "side2": 1.0, "top": 1.0}


def test_what_starts_from_a_failed_one_is_not_tried(capsys):
    images = [Image("low"), Image("mid", needs=["low"]), Image("top", needs=["mid"]), Image("other")]
    good, trial = run(images, broken=["low"])
    assert not good and sorted(trial.made) == ["low", "other"]
    assert trial.results == {"low": "FAILED", "mid": "FAILED", "top": "FAILED", "other": 1.0}
    told = capsys.readouterr().out
    assert "low: could not be built" in told and "top: not built, because mid failed" in told


def test_what_cannot_be_downloaded_is_left_out_and_no_failure(capsys, monkeypatch):
    monkeypatch.setattr(builder, "inspect_image", lambda name: {"Id": "1"} if name == "kept" else None)
    monkeypatch.setattr(Trial, "downloads", lambda self, image: ["a.example"] if image.optional else [])
    monkeypatch.setattr(builder, "answers", lambda host: False)
    images = [Image("low"), Image("tool"), Image("mid", needs=["low", "tool"], optional=True),
              Image("top", needs=["mid"], optional=True), Image("kept", needs=["low"], optional=True),
              Image("other", needs=["low"])]
    trial = Trial(images)
    trial.leave_out(["top", "kept", "other"])
    try:
        assert trial.run()
    finally:
        trial.close()
    assert sorted(trial.made) == ["kept", "low", "other"], "the tool that only the lost ones need was made"
    assert trial.results == {"low": 1.0, "mid": "left out", "top": "left out", "kept": 1.0, "other": 1.0}
    told = capsys.readouterr().out
    assert "mid: not built: a.example cannot be reached" in told and "top: not built: mid is missing" in told


def of_downloads(tmp_path, **fields):
    write(tmp_path, "x", {"image": "codecell/x"}, "FROM debian\nRUN curl https://a.example/1 https://b.example/2\n")
    return Image("codecell/x", read_folders([tmp_path])[0]["x"], **fields)


@pytest.mark.parametrize("optional,there,engine,lost", [
    (True, ["a.example", "b.example"], "", None), (True, ["a.example"], "unix:///x", "b.example"),
    (True, [], "", "a.example"), (True, [], "tcp://1.2.3.4:2375", None), (False, [], "", None)])
def test_hosts_are_asked_for_what_may_be_absent(tmp_path, monkeypatch, optional, there, engine, lost):
    asked = []
    monkeypatch.setattr(builder, "answers", lambda host: asked.append(host) or host in there)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    if engine:
        monkeypatch.setenv("DOCKER_HOST", engine)
    trial = Trial([])
    try:
        image = of_downloads(tmp_path, optional=optional)
        assert [trial.unreachable(image), trial.unreachable(image)] == [lost, lost]
    finally:
        trial.close()
    assert len(asked) == len(set(asked)), "one was made twice"
    assert Trial.downloads(Image("debian", optional=True)) == [], "a pulled image has a Dockerfile"


def test_a_host_that_is_not_there_does_not_answer():
    assert not builder.answers("codecell.invalid")


@pytest.mark.parametrize("line,at", [
    ("Step 3/7 : RUN apt-get update", ("3", "7")), ("#9 [2/4] RUN true", ("2", "4")),
    ("#12 [packages 3/5] COPY a b", ("3", "5")), ("Step 3/7", None), ("#5 DONE 0.1s", None), ("[1/2]", None),
])
def test_how_far_a_build_is(line, at):
    found = STEP.match(line)
    assert (tuple(filter(None, found.groups())) if found else None) == at
