"""The fixtures of tests/api and tests/escape; their conftest.py files take them from here."""
import re

import pytest

from codecell import Server


@pytest.fixture(scope="module")
def server(request):
    """One server a module, with the module's SETTINGS."""
    with Server(getattr(request.module, "SETTINGS", None)) as one:
        yield one.start()


@pytest.fixture
def launch():
    """launch(SETTINGS, …) starts another server; at the test's end it is stopped and checked."""
    started = []

    def start(settings=None, **options):
        one = Server(settings, **options)
        started.append(one)
        return one.start()
    yield start
    try:
        for one in started:
            if one.process and one.process.poll() is None:
                one.stop()
    finally:
        for one in started:
            one.close()


@pytest.fixture
def key(server):
    """A key of the test's own, so that its records are alone."""
    return server.key()


WARNINGS_MAX = 40  # lines of a server's log


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A skip is a failure, and a failure shows its servers' warnings."""
    report = (yield).get_result()
    if report.skipped:
        report.outcome = "failed"
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Server):
                lines = [line for line in value.lines if re.search(r"\blevel=(warn|error)\b", line)]
                report.sections.append((f"warnings of {name}", "\n".join(lines[-WARNINGS_MAX:])))
