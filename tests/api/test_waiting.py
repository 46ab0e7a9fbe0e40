"""A program cannot notice that its interpreter was started ahead, nor that it is in a capsule of a container that was used
before: two servers run each program of waiting/*.txt, one in prewarmed capsules, and one in blank containers of their own
(CODECELL_ISOLATION), and both must answer the same.

A program starts with a line "=== name {fields}": the fields of its request. A list of a text and a number in them stands
for that many copies of the text. The test has the program's name, so a failure says which program saw a difference.
"""
import json
import re
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from difflib import ndiff
from pathlib import Path

import pytest

from codecell import PATIENCE, Server, in_parallel, wait_for

FOLDER = Path(__file__).with_name("waiting")
LANGUAGES = tuple(sorted({path.stem.split("-")[0] for path in FOLDER.glob("*.txt")}))
USUAL = ("bash", "javascript", "python")  # each way to prewarm, with all that may come with a program
AT_ONCE = {language: 3 for language in LANGUAGES}  # programs, and prewarmed cells for them
AT_ONCE |= {"bash": 4, "javascript": 6, "python": 10}
SLOW = {"clojure", "elixir", "java", "r", "rust"}  # to start; a server starts one interpreter ahead at a time
GROUPS = (set(LANGUAGES) - SLOW, SLOW)  # the languages of each server with prewarmed cells

# What always differs from one run to the next: the cell's name, addresses, process ids, times of Node's own,
# the time of a line in a log.
BY_NATURE = [
    (re.compile(r"\b[0-9a-f]{64}\b"), "ID"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "HOST"),
    (re.compile(r"0x[0-9a-f]{8,}"), "0xADDRESS"),
    (re.compile(r"\(node:\d+\)|\x1b\[33m\d+\x1b\[39m"), "PID"),
    (re.compile(r"(thread '.*') \(\d+\)"), r"\1 (PID)"),
    (re.compile(r"(line \d+:|\[\d\][-+]?) +\d+\b"), r"\1 PID"),
    (re.compile(r"\([\d.]+ms\)|duration_ms [\d.]+|\bin \d+\.\d{3}s$", re.M), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d\.\d{3}\b|#PID<[\d.]+>"), "LOGGED"),
    (re.compile(r"<--- Last few GCs --->.*", re.S), "OUT OF HEAP"),
]
# What tells the isolation: a capsule has one filter more, one process more, mounts of its own, and of the cgroup only
# limits. Programs that look at it are compared with blank capsules.
ISOLATION = re.compile(r"Seccomp|/sys/fs/cgroup|/proc/self/(cgroup|mount)")
TIMES = {"execution_id", "execution_time", "cpu_time", "memory_mb", "queue_time"}


def read_programs(path):
    """The programs of a file: [(name, fields of the request)]."""
    found = []
    for part in re.split(r"^=== ", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
        head, _, code = part.partition("\n")
        name, _, fields = head.partition(" ")
        request = {"language": path.stem.split("-")[0], "code": code.rstrip("\n") + "\n", "timeout": 60,
                   **json.loads(fields or "{}")}
        if isinstance(request.get("stdin"), list):
            text, count = request["stdin"]
            request["stdin"] = text * count
        found.append((f"{path.stem}-{name}", request))
    return found


PROGRAMS = dict(program for path in sorted(FOLDER.glob("*.txt")) for program in read_programs(path))


def gets_a_held_one(request):
    """One with limits of its own rather takes a cell in which nothing has been started."""
    return not set(request.get("limits", {})) - {"output_kb"}


def seen(answer):
    """What a client sees of an answer, without what always differs."""
    def plain(value):
        if not isinstance(value, str):
            return value
        for pattern, word in BY_NATURE:
            value = pattern.sub(word, value)
        return value
    def timeless(fields):
        return {name: timeless(value) if isinstance(value, dict) else plain(value)
                for name, value in fields.items() if name not in TIMES}
    return {"http": answer.status, **timeless(answer.json)}


def start_waiting(languages):
    pool = ",".join([*(f"{language}={AT_ONCE[language]}" for language in languages), "*=0"])
    count = sum(AT_ONCE[language] for language in languages)
    return Server({"CODECELL_POOL": pool, "CODECELL_POOL_MAX": count, "CODECELL_POOL_MEMORY_MB": 4096,
                   "CODECELL_CONCURRENCY": 2 * count}, languages=languages).start()


def start_fresh(isolation):
    settings = {"CODECELL_WAITING": "off", "CODECELL_ISOLATION": isolation, "CODECELL_POOL_MAX": 30 if isolation == "container" else 3}
    return Server(settings, languages=LANGUAGES).start()


def pool_cells(server, language, state):
    labels = frozenset({("language", language), ("state", state)})
    return server.metrics().get("codecell_pool_cells", {}).get(labels, 0)


def held_taken(server):
    """How many programs of each language got a prewarmed cell."""
    taken = server.metrics().get("codecell_cells_taken_total", {})
    return {dict(labels)["language"]: count for labels, count in taken.items() if ("cell", "prewarmed") in labels}


def wait_held(server, wanted):
    """Waits until so many cells of each language are prewarmed."""
    wait_for(f"interpreters held: {wanted}", lambda: all(pool_cells(server, language, "prewarmed") >= count
                                                         for language, count in wanted.items()))


class Both:
    """Runs programs on both servers before the tests compare their answers."""

    def __init__(self, waiting, fresh, capsules, names):
        """waiting: the server of each language; fresh, capsules: those with blank containers, and with blank capsules."""
        self.waiting, self.fresh, self.capsules = waiting, fresh, capsules
        self.answers = {name: (Future(), Future()) for name in names}
        self.over = False
        runs = [self.run_fresh, *(lambda group=group: self.run_waiting(group) for group in GROUPS)]
        self.threads = [threading.Thread(target=run, daemon=True) for run in runs]
        for thread in self.threads:
            thread.start()

    def rounds(self, languages):
        """The programs in rounds: of each language as many at a time as cells are prewarmed."""
        left = {language: [name for name in self.answers if PROGRAMS[name]["language"] == language]
                for language in languages}
        while any(left.values()) and not self.over:
            yield [name for language, names in left.items() for name in names[:AT_ONCE[language]]]
            left = {language: names[AT_ONCE[language]:] for language, names in left.items()}

    def ask(self, server, name, future):
        try:
            future.set_result(server.post(PROGRAMS[name]))
        except Exception as error:
            future.set_exception(error)

    def run_waiting(self, languages):
        for names in self.rounds(languages):
            try:
                self.run_round(self.waiting[min(languages)], names)
            except Exception as error:
                for name in names:
                    if not self.answers[name][0].done():
                        self.answers[name][0].set_exception(error)

    def run_round(self, server, names):
        """Every program of a round gets a prewarmed cell, or the round fails."""
        wanted = {}
        for name in filter(lambda name: gets_a_held_one(PROGRAMS[name]), names):
            wanted[PROGRAMS[name]["language"]] = wanted.get(PROGRAMS[name]["language"], 0) + 1
        wait_held(server, wanted)
        before, got = held_taken(server), {name: Future() for name in names}
        in_parallel([lambda name=name: self.ask(server, name, got[name]) for name in names])
        taken = {language: count - before.get(language, 0) for language, count in held_taken(server).items()}
        assert all(taken.get(language, 0) >= count for language, count in wanted.items()), \
            f"{taken} programs, not {wanted}, found theirs held"
        for name in names:
            self.answers[name][0].set_result(got[name].result())

    def ask_fresh(self, name, future):
        if not self.over:
            self.ask(self.capsules if ISOLATION.search(PROGRAMS[name]["code"]) else self.fresh, name, future)

    def run_fresh(self):
        with ThreadPoolExecutor(6) as workers:
            for name, (_, fresh) in self.answers.items():
                workers.submit(self.ask_fresh, name, fresh)

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join(PATIENCE)


@pytest.fixture(scope="module")
def servers():
    """({a language: one with waiting interpreters}, one without, one without but with capsules)"""
    with start_waiting(GROUPS[0]) as usual, start_waiting(GROUPS[1]) as slow, start_fresh("container") as fresh, \
            start_fresh("capsule") as capsules:
        yield {language: slow if language in SLOW else usual for language in LANGUAGES}, fresh, capsules


@pytest.fixture(scope="module")
def both(servers, request):
    names = [item.callspec.params["name"] for item in request.session.items
             if getattr(item, "originalname", "") == "test_both_ways_answer_the_same"]
    runs = Both(*servers, names)
    yield runs
    runs.stop()


def differences(one, other):
    """What differs in two answers: of texts, the lines that do."""
    def lines(value):
        return str(value).splitlines(keepends=True)
    return {name: [line for line in ndiff(lines(one.get(name, "(absent)")), lines(other.get(name, "(absent)"))) if line[0] in "-+"]
            for name in one | other if one.get(name, "(absent)") != other.get(name, "(absent)")}


@pytest.mark.parametrize("name", PROGRAMS)
def test_both_ways_answer_the_same(both, name):
    waiting, fresh = (seen(future.result(PATIENCE * 5)) for future in both.answers[name])
    assert differences(waiting, fresh) == {}


# The programs above really ran in a prewarmed interpreter: the kernel says when a process was started.

STARTED = {
    "python": "print(open('/proc/self/stat').read().rsplit(') ', 1)[1].split()[19])",
    "javascript": "console.log(require('fs').readFileSync('/proc/self/stat', 'utf8').split(') ').pop().split(' ')[19])",
    "bash": "s=$(< /proc/$$/stat); s=(${s##*) }); echo ${s[19]}",
    "clojure": """(require '[clojure.string :as s])
        (let [stat (String. (java.nio.file.Files/readAllBytes (.toPath (java.io.File. "/proc/self/stat"))))]
          (println (nth (s/split (last (s/split stat #"\\) ")) #" ") 19)))""",
    "elixir": 'File.read!("/proc/self/stat") |> String.split(") ") |> List.last() |> String.split() |> Enum.at(19) |> IO.puts()',
    "lua": 'local n = 0 for w in io.open("/proc/self/stat"):read("a"):match(".*%) (.*)"):gmatch("%S+") do if n == 19 then print(w) end n = n + 1 end',
    "perl": 'open F, "/proc/self/stat"; print +(split " ", <F> =~ s/.*\\) //r)[19]',
    "php": '<?php echo explode(" ", explode(") ", file_get_contents("/proc/self/stat"))[1])[19];',
    "r": 'cat(strsplit(sub(".*\\\\) ", "", readLines("/proc/self/stat")), " ")[[1]][20])',
    "ruby": 'puts File.read("/proc/self/stat").split(") ").last.split[19]',
    "typescript": "const s: string = require('fs').readFileSync('/proc/self/stat', 'utf8'); console.log(s.split(') ').pop()!.split(' ')[19])",
}


def now():
    """The time in hundredths of a second, in which the kernel says when a process started."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 100)


def started_before(servers, language, **fields):
    """Whether a program runs in a process that was started before its request."""
    server = servers[0][language]
    wait_held(server, {language: 1})
    asked = now() + 1
    wait_for("the next hundredth", lambda: now() >= asked)
    result = server.run(STARTED[language], language, **fields)
    assert (result["exit_code"], result["stderr"]) == (0, ""), result
    return int(result["stdout"]) < asked


@pytest.mark.parametrize("language", STARTED)
def test_a_plain_program_goes_on_in_what_was_started_before(servers, language):
    assert started_before(servers, language)


@pytest.mark.parametrize("language", STARTED)
def test_a_program_with_arguments_has_a_process_of_its_own(servers, language):
    assert not started_before(servers, language, args=["x"])


@pytest.mark.parametrize("fields", [{"stdin": "x"}, {"files": [{"path": "a/b", "content": "x"}]}, {"timeout": 25},
                                    {"session_id": "s"}, {"limits": {"output_kb": 5}}, {"environment": {"LANG": "C.UTF-8"}}],
                         ids=lambda fields: "-".join(fields) or "plain")
@pytest.mark.parametrize("language", USUAL)
def test_the_program_goes_on_in_what_was_started_before(servers, language, fields):
    assert started_before(servers, language, **fields)


@pytest.mark.parametrize("fields", [{"environment": {"A": "1"}}, {"limits": {"cpu": 2}},
                                    {"limits": {"memory_mb": 256}}, {"limits": {"processes": 32}},
                                    {"limits": {"disk_mb": 50}}],
                         ids=lambda fields: "-".join(fields.get("limits", fields)))
@pytest.mark.parametrize("language", USUAL)
def test_what_was_started_for_another_is_not_used(servers, language, fields):
    assert not started_before(servers, language, **fields)


@pytest.mark.parametrize("language", USUAL)
def test_without_waiting_all_is_started_for_its_request(servers, language):
    asked = now()
    assert int(servers[1].output(STARTED[language], language)) >= asked
    assert pool_cells(servers[1], language, "prewarmed") == 0


def test_the_time_is_the_programs_own(servers):
    """It does not count from the start of the interpreter."""
    server = servers[0]["python"]
    wait_held(server, {"python": 1})
    asked = time.monotonic()
    result = server.run("import time; time.sleep(0.2)")
    assert 0.2 <= result["execution_time"] <= time.monotonic() - asked, result


@pytest.mark.parametrize("language", USUAL)
def test_what_was_started_before_is_for_one(servers, language):
    """Each program has a process of its own, in a container of its key's."""
    server, found = servers[0][language], set()
    for _ in range(3):
        wait_held(server, {language: 1})
        found.add(server.output(STARTED[language], language))
    assert len(found) == 3
