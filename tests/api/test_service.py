"""What needs no key: health, readiness, metrics."""
import math
import re
from pathlib import Path

import pytest

from codecell import SANITIZED, in_parallel, wait_for


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)')


def test_health(server):
    answer = server.get("/health", key=None)
    assert answer.status == 200 and set(answer.json) == {"status", "version", "checks"}
    assert answer.json["version"] in server.cli("--version").stdout
    assert isinstance(answer.json["checks"], dict)


def test_ready(server):
    answer = server.get("/ready", key=None)
    assert answer.status == 200 and set(answer.json) == {"status", "version", "checks"}
    assert {"database", "engine", "languages"} <= set(answer.json["checks"])


def test_without_an_engine_it_is_healthy_but_not_ready(launch):
    server = launch({"DOCKER_HOST": "unix:///nonexistent.sock"}, languages=[], ready=False)
    assert server.get("/health", key=None).status == 200
    answer = server.get("/ready", key=None)
    assert answer.status == 503 and set(answer.json) == {"status", "version", "checks"}, answer
    assert "nonexistent" not in answer.body.decode()
    refused = server.execute("print(1)")
    assert refused.status == 503 and int(refused.header("Retry-After")) >= 1 and "nonexistent" not in refused.detail
    assert server.get("/api/v1/sessions").status == 200


def parse(text):
    """Checks the text format 0.0.4 strictly; {family: (type, [(name, labels, value)])}."""
    families, current = {}, None
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            current = line.split(" ")[2]
            assert current not in families, f"{current} twice"
            families[current] = [None, []]
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == current and kind in ("counter", "gauge", "histogram")
            families[name][0] = kind
        else:
            match = SAMPLE.fullmatch(line)
            assert match, line
            name = match[1]
            family = re.sub(r"_(bucket|sum|count)$", "", name) if families[current][0] == "histogram" else name
            assert family == current, f"{name} stands under {current}"
            labels = dict(re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"', match[2] or ""))
            families[family][1].append((name, labels, float(match[4])))
    return families


@pytest.fixture(scope="module")
def families(server):
    server.run("print(1)")
    server.run("int main(", "c")
    server.post(b"{")
    answer = server.get("/metrics", key=None)
    assert answer.status == 200 and answer.header("Content-Type").startswith("text/plain; version=0.0.4")
    return parse(answer.body.decode())


def test_metrics_follow_the_naming(families):
    for family, (kind, samples) in families.items():
        assert re.match(r"(codecell|process)_[a-z0-9_]+$", family), family
        assert (kind == "counter") == family.endswith("_total"), f"{family} is a {kind}"
        assert not family.endswith(("_ms", "_milliseconds", "_mb", "_kb")), f"{family}: base units"
        series = [(name, tuple(sorted(labels.items()))) for name, labels, _ in samples]
        assert len(series) == len(set(series)), f"a series of {family} twice"


def test_histograms_add_up(families):
    histograms = {family: samples for family, (kind, samples) in families.items() if kind == "histogram"}
    assert histograms
    for family, samples in histograms.items():
        series = {}
        for name, labels, value in samples:
            key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
            each = series.setdefault(key, {"buckets": []})
            if name.endswith("_bucket"):
                each["buckets"].append((math.inf if labels["le"] == "+Inf" else float(labels["le"]), value))
            else:
                each[name[len(family):]] = value
        for each in series.values():
            bounds, counts = zip(*each["buckets"])
            assert list(bounds) == sorted(bounds) and bounds[-1] == math.inf, family
            assert list(counts) == sorted(counts) and counts[-1] == each["_count"], family
            assert each["_sum"] >= 0


@pytest.mark.parametrize("words", [
    ("execution", "total"), ("queue",), ("cell",), ("pool",), ("engine",), ("rejection", "total"), ("database",),
    ("process_",),
], ids=" ".join)
def test_metrics_of_everything_named(families, words):
    assert any(all(word in family for word in words) for family in families), sorted(families)


def test_process_metrics(families, server):
    names = set(families)
    assert {"process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds_total"} <= names
    assert families["process_open_fds"][1][0][2] == pytest.approx(server.descriptors(), abs=10)


def test_the_memory_of_large_bodies_goes_back_to_the_system(server):
    def resident_mb():
        return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{server.pid}/status").read_text())[1]) / 1024
    size = 16 * 1024 * 1024 - 100
    before = resident_mb()
    for _ in range(4):  # four at once: while a body is read, three times its bytes are charged to its key
        outputs = in_parallel([lambda: server.output("wc -c", "bash", stdin="x" * size)] * 4)
        assert outputs == [f"{size}\n"] * 4
    if not SANITIZED:
        wait_for("memory", lambda: resident_mb() < before + 20)


def test_executions_by_language_and_status(server):
    def count(language, status):
        found = [value for name, series in server.metrics().items() if "executions" in name and name.endswith("_total")
                 for labels, value in series.items()
                 if {("language", language), ("status", status)} <= set(labels)]
        return sum(found)
    before = count("bash", "completed"), count("bash", "failed"), count("bash", "timed_out")
    server.run(":", "bash")
    server.run("exit 1", "bash")
    server.run(":", "bash")
    server.execute("sleep 60", "bash", timeout=1)
    wait_for("the counts", lambda: (count("bash", "completed"), count("bash", "failed"), count("bash", "timed_out"))
             == (before[0] + 2, before[1] + 1, before[2] + 1))


def test_rejections_are_counted(server):
    def rejected():
        return sum(value for name, series in server.metrics().items() if "reject" in name and name.endswith("_total")
                   for value in series.values())
    before = rejected()
    server.post(b"{")
    server.post(b"{}", key="wrong")
    assert rejected() >= before + 2


def test_strange_names_make_no_series(server):
    for number in range(5):
        server.get(f"/nothing{number}", key=None)
        server.run("1", language="python", session_id=f"s{number}")
        server.request("PROPFIND", f"/nothing{number}", key=None)
    text = server.get("/metrics", key=None).body.decode()
    assert "nothing3" not in text and "s3" not in text.replace("process", "")
