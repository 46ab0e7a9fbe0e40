"""How the least limits are searched for, and what a language is when its output comes by the line."""
import pytest
from test_folders import write

import checking
from checking import Result, ask_least, ask_live
from folders import LANGUAGES_FOLDER, Folder, live_language
from measuring import LOWEST, Measuring, bisect, with_margin, without_least
from proofs import NOTHING, Proof

HELLO = Proof("hello", 1, {}, {"status": "completed", "stdout": "hi\n", "stderr": NOTHING}, code="hello\n")


@pytest.mark.parametrize("least", [32, 33, 36, 37, 100, 511, 512])
@pytest.mark.parametrize("step", [1, 4])
def test_the_least_that_works(least, step):
    tried = []
    found = bisect(32, 512, step, lambda value: tried.append(value) or value >= least)
    assert least <= found < least + step or found == 512
    assert len(tried) == len(set(tried)) < 12


def test_a_margin():
    assert [with_margin("processes", found) for found in (8, 9, 16)] == [8, 12, 21]
    assert [with_margin("memory_mb", found) for found in (32, 36, 64)] == [32, 48, 88]
    assert [with_margin("disk_mb", found) for found in (1, 2, 33)] == [1, 3, 42]


class Scripted:
    """Answers like a server whose language needs so much; refuses below `least`, if given."""

    def __init__(self, needs, least=None):
        self.needs, self.least, self.asked, self.has_live = needs, least or {}, [], True

    def execute(self, request):
        self.asked.append(request)
        limits = request.get("limits", {})
        for field in LOWEST:
            if limits.get(field, 10**6) < self.least.get(field, 0):
                return 400, {"detail": f"limits.{field}: Z needs at least {self.least[field]}"}
        good = all(limits.get(field, 10**6) >= least for field, least in self.needs.items())
        return 200, {"status": "completed" if good else "failed", "exit_code": 0 if good else 1,
                     "stdout": "hi\n" if good else "", "stderr": "", "compile": None, "version": "1"}


def measuring(tmp_path, needs):
    write(tmp_path, "awk", {})
    folder = Folder(tmp_path / "awk")
    (folder.path / "tests.txt").write_text((LANGUAGES_FOLDER / "awk" / "tests.txt").read_text())
    found = Measuring(Scripted(needs), folder, {})
    found.proofs = [HELLO]
    return found


def test_only_what_is_above_the_lowest_is_told(tmp_path):
    assert measuring(tmp_path, {}).search() == {}
    assert measuring(tmp_path / "b", {"processes": 16}).search() == {"processes": 21}
    assert measuring(tmp_path / "c", {"memory_mb": 64, "disk_mb": 33}).search() == {"memory_mb": 88, "disk_mb": 42}


def test_a_language_is_measured_without_its_own_word(tmp_path):
    language = {"id": "z", "least": {"processes": 9}, "versions": [{"name": "a", "least": {"processes": 8}}]}
    assert without_least(language) == {"id": "z", "versions": [{"name": "a"}]}


def test_hello_has_exactly_the_least_limits(tmp_path):
    write(tmp_path, "z", {})
    for needs, failures in (({"processes": 20}, 0), ({"processes": 21}, 1), ({"memory_mb": 97}, 1)):
        service, result = Scripted(needs, {"processes": 20, "memory_mb": 96}), Result(Folder(tmp_path / "z"))
        ask_least(service, result, HELLO, {"version": "1"})
        assert service.asked[-1]["limits"] == {"memory_mb": 96, "disk_mb": 1, "processes": 20}
        assert result.done == ["least (1)"] and len(result.failures) == failures


def test_live_says_what_is_different_of_the_run_step(tmp_path):
    write(tmp_path, "z", {"image": "y", "environment": {"A": "1"}, "live": {"prefix": ["/bin/stdbuf", "-oL"]},
                          "versions": [{"name": "b", "live": {"environment": {"B": "2"}}},
                                       {"live": {"argv": ["x", "-u"]}}, {"live": True}]})
    live = live_language(Folder(tmp_path / "z"))
    run = Folder(tmp_path / "z").language["run"]
    assert live["id"] == "z.live" and "live" not in live and "aliases" not in live and live["image"] == "y"
    assert live["run"]["argv"] == ["/bin/stdbuf", "-oL", *run["argv"]] and live["environment"] == {"A": "1"}
    named, other, plain = live["versions"]
    assert named["name"] == "b" and named["environment"] == {"A": "1", "B": "2"} and named["run"] == run
    assert other["run"]["argv"] == ["x", "-u"] and "name" not in other and plain["run"] == run


def test_a_language_that_flushes_by_itself_is_its_own(tmp_path):
    write(tmp_path, "z", {"live": True, "versions": [{"name": "b"}]})
    write(tmp_path, "none", {})
    assert live_language(Folder(tmp_path / "z")) is None
    assert checking.live_differs(Folder(tmp_path / "z")) is False
    assert checking.live_differs(Folder(tmp_path / "none")) is None


class Slow:
    """Its program has printed its line after so many seconds."""

    def __init__(self, seconds):
        self.seconds, self.asked = seconds, []

    def execute(self, request):
        self.asked.append((request["language"], request["timeout"]))
        text = "hi\n" if request["timeout"] >= self.seconds else ""
        return 500, {"status": "timed_out", "exit_code": 124, "stdout": text, "stderr": "", "compile": None}


def test_live_gets_more_time_on_a_busy_machine(tmp_path):
    proof = Proof("live", 1, {"timeout": 1}, {"status": "timed_out", "stdout": "hi\n"}, code="x\n")
    write(tmp_path, "z", {"live": {"environment": {"B": "2"}}})
    write(tmp_path, "none", {})
    for seconds, asked, failures in ((1, [1], 0), (3, [1, 4], 0), (99, [1, 4, 16], 1)):
        service, result = Slow(seconds), Result(Folder(tmp_path / "z"))
        ask_live(service, result, proof, {})
        assert service.asked == [("z.live", timeout) for timeout in asked] and len(result.failures) == failures
    result = Result(Folder(tmp_path / "none"))
    ask_live(Slow(1), result, proof, {})
    assert "language.json needs 'live'" in result.failures[0]
