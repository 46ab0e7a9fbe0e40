"""How tests/run counts: what failed, what was skipped, what failed and then passed."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import stages
from stages import Totals

PASSES = "def test_passes(): pass\n"
FAILS = "import pytest\n@pytest.mark.parametrize('n', [1, 2, 3, 4][:{}])\ndef test_fails(n): assert n == 0, 'no such n'\n"
SKIPS = "import pytest\ndef test_skips(): pytest.skip('not here')\n"
ENDS_BADLY = ("import pytest\n@pytest.fixture\ndef thing():\n    yield\n    assert False, 'the end'\n"
              "def test_passes_but_ends_badly(thing): pass\n")
ENDS_BADLY_ONCE = """
import pathlib, pytest
@pytest.fixture(scope="module")
def thing():
    yield
    seen = pathlib.Path(__file__).with_name("seen")
    first = not seen.exists()
    seen.write_text("x")
    assert not first, "the end"
def test_one(thing): pass
def test_two(thing): pass
"""
FAILS_AND_ENDS_BADLY_ONCE = ENDS_BADLY_ONCE.replace("def test_two(thing): pass", """
def test_two(thing):
    assert pathlib.Path(__file__).with_name("seen").exists(), "not yet"
""")
ONCE = """
import pathlib, pytest
@pytest.mark.parametrize("what", ["a b", "c::d", "[e]", "é"])
def test_once(what):
    seen = pathlib.Path(__file__).with_name("seen")
    first = not seen.exists()
    seen.write_text("x")
    assert not first, "not yet"
"""


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """What the parts of tests/run count for these tests."""
    monkeypatch.setattr(stages, "BUILD", tmp_path)
    monkeypatch.delenv("TESTS_STOP", raising=False)

    def count(*texts, again=True, workers=1):
        folder = tmp_path / "tests"
        folder.mkdir()
        for number, text in enumerate(texts):
            (folder / f"test_{number}.py").write_text(text, encoding="utf-8")
        totals = Totals()
        stages.pytest(totals, "part", "/bin/true", folder, again=again, workers=workers)
        return totals
    return count


@pytest.mark.parametrize("workers", [1, 3])
def test_all_pass(counted, workers):
    totals = counted(PASSES, PASSES, workers=workers)
    assert (totals.passed, totals.failed, totals.again) == (2, [], [])


@pytest.mark.parametrize("workers", [1, 3])
def test_what_passes_the_second_time_is_told(counted, workers):
    totals = counted(PASSES, ONCE, workers=workers)
    assert (totals.passed, totals.failed, len(totals.again)) == (5, [], 1)
    assert totals.again[0].startswith("part ") and totals.again[0].endswith("not yet assert not True")


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("text, why", [(FAILS.format(3), "no such n"), (SKIPS, "not here"), (ENDS_BADLY, "the end")])
def test_what_fails_twice_has_failed(counted, text, why, workers):
    totals = counted(PASSES, text, workers=workers)
    assert totals.passed == 1 and totals.again == [] and totals.failed
    assert all(why in line and line.startswith("part ") for line in totals.failed), totals.failed


def test_many_failures_are_no_accident(counted):
    totals = counted(FAILS.format(4), ONCE)
    assert len(totals.failed) == 5 and totals.again == []


def test_a_part_without_a_second_run(counted):
    totals = counted(PASSES, ONCE, again=False)
    assert len(totals.failed) == 1 and totals.again == []


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("text", [ENDS_BADLY_ONCE, FAILS_AND_ENDS_BADLY_ONCE])
def test_what_is_checked_at_a_servers_end_has_no_second_run(counted, text, workers):
    totals = counted(PASSES, text, workers=workers)
    assert totals.again == [] and len(totals.failed) == 1, totals.failed


class Programs:
    """Unit tests' programs: each run says the next of its outputs."""
    preset, files = "gcc", ["x"]

    def __init__(self, *outputs):
        self.outputs = [list(each) for each in outputs]

    def jobs(self):
        for number, outputs in enumerate(self.outputs):
            yield f"test_{number}", lambda name=f"test_{number}", outputs=outputs: (
                name, "FAILED" not in outputs[0] and "Sanitizer" not in outputs[0], outputs.pop(0))


GOOD, BAD = "[  PASSED  ] 3 test(s).", "[  ERROR   ] --- 2 != 3\n[  PASSED  ] 2 test(s).\n[  FAILED  ] some_test"


def test_a_unit_test_that_passes_the_second_time_is_told():
    totals = Totals()
    stages.run_units(totals, [Programs([GOOD], [BAD, GOOD])])
    assert (totals.passed, totals.failed, len(totals.again)) == (7, [], 1)  # one check says that there are programs
    assert "2 != 3" in totals.again[0]


@pytest.mark.parametrize("outputs", [[BAD, BAD], [GOOD + "\nERROR: AddressSanitizer: x", GOOD]])
def test_a_unit_test_that_has_failed(outputs):
    totals = Totals()
    stages.run_units(totals, [Programs([GOOD], outputs)])
    assert totals.failed and totals.again == []


def test_a_file_that_cannot_be_read(counted):
    totals = counted(PASSES, "this is no Python")
    assert totals.failed
