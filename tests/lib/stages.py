"""The stages of tests/run: each prints its seconds and its counts; the last line is the total alone."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "images" / "lib"))

from cases import case_languages
from codecell import FACES_LANGUAGES, LANGUAGES
from folders import LANGUAGES_FOLDER, read_folders
from plan import ci_languages

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
CORES = os.cpu_count() or 2
LINES_MAX = 700
REASON_MAX = 400  # characters of a failure's reason in the last lines
# What a sanitizer or valgrind says of a program: no accident, even if the program's own tests pass the next time.
TOOL_FINDS = re.compile(r"Sanitizer|runtime error:|^==\d+==|not done after", re.M)
AGAIN = "TESTS_STOP" not in os.environ  # who stops at the first failure wants to see it
AGAIN_MAX = 3  # tests of one pytest run that are run again if they fail; more failures are no accident
WORKERS = CORES + 1  # of a pytest run whose tests wait much of the time
FUZZ_SECONDS = int(os.environ.get("FUZZ_SECONDS", "40"))
SOAK = os.environ.get("SOAK", "300")
FLOOD_SECONDS = os.environ.get("FLOOD_SECONDS", "15")
LEFT_UNDONE = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")


class Totals:
    """What passed and what failed."""

    def __init__(self):
        self.passed, self.failed, self.stages = 0, [], []
        self.again = []  # what failed first and passed when it ran again: it counts as passed, and is told

    def check(self, name, good, output=""):
        """One check; its output is shown if it failed."""
        if good:
            self.passed += 1
        else:
            self.failed.append(name)
            print(f"FAILED {name}\n{output[-6000:]}".rstrip(), flush=True)
        return good

    def stage(self, name, work):
        print(f"== {name}", flush=True)
        start, passed, failed = time.monotonic(), self.passed, len(self.failed)
        work(self)
        line = (f"{name}: {time.monotonic() - start:.0f} s, {self.passed - passed} passed, "
                f"{len(self.failed) - failed} failed")
        self.stages.append(line)
        print(f"== {line}", flush=True)


def run(*command, env=None, cwd=ROOT, limit=3600):
    """Runs a command; (whether it ended well, its output)."""
    try:
        done = subprocess.run([str(word) for word in command], cwd=cwd, env={**os.environ, **(env or {})}, text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit,
                              check=False)
    except subprocess.TimeoutExpired as late:
        return False, f"{late.stdout or ''}\nnot done after {limit} s"
    except FileNotFoundError as missing:
        return False, str(missing)
    return done.returncode == 0, done.stdout


class Beside:
    """Parts that run in a process of their own beside others, with the processor time that these leave; keeps its output."""

    def __init__(self, parts):
        self.folder = Path(tempfile.mkdtemp(prefix="codecell-stages-"))
        self.report, self.output = self.folder / "report.json", self.folder / "output"
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen([sys.executable, __file__, "--beside", str(self.report), *parts], cwd=ROOT,
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                            start_new_session=True)

    def finish(self, totals):
        """Waits for its end, prints what it printed, and adds what it counted."""
        self.process.wait()
        print(self.output.read_text(errors="replace"), end="", flush=True)
        try:
            told = json.loads(self.report.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            totals.check("the parts that ran beside the others", False, f"ended with {self.process.returncode}")
        else:
            totals.passed += told["passed"]
            totals.failed += told["failed"]
            totals.again += told["again"]
            totals.stages += [line + " (beside the others)" for line in told["stages"]]
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait()


def give_way():
    """Takes only processor time that is left over. Linux applies niceness within a session, and to a session as a whole
    against others."""
    os.nice(19)
    try:
        Path("/proc/self/autogroup").write_text("19", encoding="ascii")
    except OSError:
        pass  # not every kernel groups by session


def beside(report, parts):
    """The process of a Beside. It makes its own builds: those of the other parts are there."""
    give_way()
    totals = Totals()
    totals.stage("build", lambda t: build(t, *presets_of(parts)))
    for name in parts:
        totals.stage(name, PARTS[name].work)
    Path(report).write_text(json.dumps(vars(totals)), encoding="utf-8")


def side_by_side(jobs, at_once=CORES):
    """Runs functions, so many at once; their results in order."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda job: job(), jobs))


def git_files(*command):
    """The files that a git command names. Git may name files that were deleted: these are left out."""
    listed = subprocess.run(["git", *command], cwd=ROOT, text=True, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def tracked(*patterns):
    """Files of the project, new ones too."""
    return git_files("ls-files", "-co", "--exclude-standard", "--", *patterns)


def staged(*patterns):
    """Files that the next commit adds or changes."""
    return git_files("diff", "--cached", "--name-only", "--", *patterns)


# Building.

THREADED = ("base", "store")  # the parts with threads of their own: what the thread sanitizer is for


def targets(preset):
    """The targets of a build: all (none is named), or the programs that will be run."""
    if preset == "tsan":
        return [f"{part}_{test.stem}" for part in THREADED for test in (ROOT / "tests/unit" / part).glob("test_*.c")]
    if preset == "fuzz":
        return [f"fuzz_{target.stem}" for target in (ROOT / "tests/fuzz").glob("*_*.c")]
    return []


def presets_of(parts):
    """The builds that these parts want."""
    return list(dict.fromkeys(preset for name in parts for preset in PARTS[name].presets))


def build(totals, *presets):
    for preset in presets:
        good, output = run("cmake", "--preset", preset)
        if good:
            named = targets(preset)
            good, output = run("cmake", "--build", "--preset", preset, *(["--target", *named] if named else []))
        totals.check(f"build {preset}", good, output)


# Lint.

def lint_text(totals, files=tracked):
    """What needs no compiler. `files` lists the files to check: all of the project's, or those of the next commit."""
    shell, python = scripts(files, rb"#!.*\b(ba)?sh\b"), files("*.py") + scripts(files, rb"#!.*\bpython3\b")
    sources = files("*.c", "*.h", "*.cmake", "CMakeLists.txt") + shell + python
    long = [f"{file}: {count} lines" for file in sources if (count := len(file.read_bytes().splitlines())) > LINES_MAX]
    totals.check(f"no file over {LINES_MAX} lines", not long, "\n".join(long))
    undone = [f"{file}:{number}: {line}" for file in sources + files("*.sql", "*.json", "*.yaml")
              for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
              if LEFT_UNDONE.search(line)]
    totals.check("nothing left undone", not undone, "\n".join(undone))
    totals.check("arrows point downwards", *run(ROOT / "tests/lib/arrows"))
    totals.check("functions live at home", *run(ROOT / "tests/lib/homes"))
    totals.check("documents tell what is there", *run(ROOT / "tests/lib/documents"))
    check_files(totals, "clang-format", files("*.c", "*.h"), "clang-format", "--dry-run", "-Werror")
    check_files(totals, "shellcheck", shell, "shellcheck")
    check_files(totals, "AppArmor profile", files("docker/apparmor/*"), "/usr/sbin/apparmor_parser", "--skip-kernel-load",
                "--skip-cache")
    for file in python:
        try:
            compile(file.read_text(encoding="utf-8"), str(file), "exec")
        except SyntaxError as error:
            totals.check(f"syntax of {file}", False, str(error))


def check_files(totals, name, files, *command):
    """One check: a command over all the files, if there are any."""
    if files:
        totals.check(name, *run(*command, *files))


def scripts(files, first_line):
    """Files without a suffix whose first line matches."""
    return [file for file in files() if not file.suffix and re.match(first_line, file.read_bytes()[:100])]


def lint_tidy(totals, sources=tracked):
    """clang-tidy over the sources, each file a check."""
    run("cmake", "--preset", "clang")
    commands = json.loads((BUILD / "clang" / "compile_commands.json").read_text(encoding="utf-8"))
    known = {entry["file"] for entry in commands}
    files = [file for file in sources("*.c") if str(file) in known]

    def tidy(file):
        return run("clang-tidy", "--quiet", "-p", BUILD / "clang", file)
    for file, (good, output) in zip(files, side_by_side([lambda file=file: tidy(file) for file in files])):
        totals.check(f"clang-tidy {file.relative_to(ROOT)}", good, output)


def lint_staged(totals):
    """Before a commit: its own files alone, in seconds."""
    lint_text(totals, staged)
    if staged("*.c"):
        lint_tidy(totals, staged)


def lint(totals):
    lint_text(totals)
    pytest(totals, "tools", "", "tests/tools")
    lint_tidy(totals)


# Unit tests.

def cmocka(totals, name, good, output):
    """Counts the tests of one program by what cmocka printed; a skip is a failure."""
    passed = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", output)))
    failed = re.findall(r"\[  (?:FAILED|SKIPPED)\s*\] (\w+)$", output, re.M)
    totals.passed += passed
    for test in dict.fromkeys(failed):
        totals.check(f"{name}: {test}", False)
    if not good or failed or passed == 0:
        totals.check(name, False, output)


def programs(preset, pattern=""):
    return sorted(file for file in (BUILD / preset / "tests").glob("*") if file.is_file() and os.access(file, os.X_OK)
                  and re.match(pattern, file.name))


class UnitRun:
    """The test programs of a build, run in one way."""

    def __init__(self, preset, prefix=(), pattern="", env=None):
        self.preset, self.prefix, self.env = preset, prefix, env
        self.files = programs(preset, pattern)

    def jobs(self):
        """(the program's name, a function that runs it: (its name for people, whether it ended well, its output))"""
        for file in self.files:
            name = " ".join([self.preset, *self.prefix[:1], file.name])
            yield file.name, lambda file=file, name=name: (name, *run(*self.prefix, file, env=self.env, limit=300))


def run_units(totals, runs):
    """All programs of all runs, two for each core at a time, because many wait for clocks. Those of the agent take longest
    and come first."""
    for each in runs:
        totals.check(f"{each.preset} has unit tests", each.files != [])
    jobs = sorted((job for each in runs for job in each.jobs()), key=lambda job: "test_agent" not in job[0])
    works = [work for _, work in jobs]
    told = side_by_side(works, 2 * CORES)
    failed = [number for number, (_, good, output) in enumerate(told) if not good and TOOL_FINDS.search(output) is None]
    for number in failed if AGAIN and len(failed) <= AGAIN_MAX else []:
        name, _, output = told[number]
        again = works[number]()
        if again[1]:
            totals.again.append(f"{name}: {' '.join(re.findall(r'^.*ERROR.*$', output, re.M))[:REASON_MAX]}")
            told[number] = again
    for name, good, output in told:
        cmocka(totals, name, good, output)


def print_coverage():
    """How much of each part the unit tests cover."""
    hit, total = defaultdict(set), defaultdict(set)
    for data in (BUILD / "coverage").rglob("*.gcda"):
        told = subprocess.run(["gcov", "--json-format", "--stdout", str(data)], cwd=BUILD / "coverage", text=True,
                              capture_output=True, check=False).stdout
        for line in filter(None, told.splitlines()):
            for file in json.loads(line)["files"]:
                path = Path(os.path.normpath(BUILD / "coverage" / file["file"]))
                if path.suffix == ".c" and path.is_relative_to(ROOT) and "tests" not in path.relative_to(ROOT).parts:
                    for each in file["lines"]:
                        total[path].add(each["line_number"])
                        if each["count"]:
                            hit[path].add(each["line_number"])
    parts = defaultdict(lambda: [0, 0])
    for path, lines in total.items():
        part = str(path.relative_to(ROOT).parent)
        for key in (part, "all" if not part.startswith("build") else part):
            parts[key][0] += len(hit[path])
            parts[key][1] += len(lines)
    for part, (covered, lines) in sorted(parts.items()):
        if not part.startswith("build"):
            print(f"   coverage {part:16} {100 * covered / lines:5.1f} % of {lines} lines")


def unit(totals):
    for data in (BUILD / "coverage").rglob("*.gcda"):
        data.unlink()
    but_the_agent = r"(?!agent_test_)"  # it is a program of its own, and static
    run_units(totals, [
        *map(UnitRun, ("clang", "asan")),
        UnitRun("gcc", pattern="agent_test_"),  # valgrind runs the others of this build
        # -R: the thread sanitizer knows no address space that is laid out at random in the newest kernels' way
        UnitRun("tsan", ("setarch", "-R"), f"({'|'.join(THREADED)})_", {"TSAN_OPTIONS": "allocator_may_return_null=1"}),
        UnitRun("gcc", ("valgrind", "-q", "--error-exitcode=9", "--leak-check=full"), but_the_agent,
                {"TESTS_SHORT": "1"}),
        UnitRun("coverage", (), but_the_agent),  # the agent has nowhere to write its counts
    ])
    print_coverage()


# On the engine.

def run_pytest(report, program, arguments, env, workers=1):
    """Runs pytest on a server's program; its exit status, and what read_report() says, or None if it made no report.
    workers: so many files at once, each with its own server."""
    if workers > 1:
        arguments = ["-n", workers, "--dist", "loadfile", *arguments]
    command = ["/usr/bin/python3", "-m", "pytest", "-q", "-x" if os.environ.get("TESTS_STOP") else "--maxfail=1000",
               "-p", "no:cacheprovider", "--tb=short", "-o", "junit_family=xunit1", "--durations=8", f"--rootdir={ROOT}",
               f"--junitxml={report}", *arguments]
    report.unlink(missing_ok=True)
    env = {**os.environ, **(env or {}), "CODECELL_BIN": str(program), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([str(word) for word in command], cwd=ROOT, check=False, env=env)
    return done.returncode, read_report(report) if report.exists() else None


@dataclass
class Outcome:
    """What became of a test. why None: it passed. once: only its own body failed, not what is checked before and after it,
    such as a server's end and the findings of sanitizers, which may be the fault of another test of the module."""
    why: str | None
    once: bool = False


def read_report(report):
    """{test: Outcome} of a report in JUnit's form. A test is named as pytest takes it; a skip is a failure."""
    tests = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        bad = [found for kind in ("failure", "error", "skipped") if (found := case.find(kind)) is not None]
        why = " ".join(bad[0].get("message", "").split())[:REASON_MAX] if bad else None
        test = f"{case.get('file')}::{case.get('name')}"
        before = tests.get(test, Outcome(None))  # a test whose end fails, too, may be there twice
        if bad:
            tests[test] = Outcome(why, before.why is None and [found.tag for found in bad] == ["failure"])
        else:
            tests[test] = before
    return tests


def run_again(name, report, program, failed, env):
    """Runs what failed once more; the tests that passed then."""
    print(f"== {name}: once more what failed", flush=True)
    status, tests = run_pytest(report, program, failed, env)
    if status not in (0, 1) or tests is None:
        return []
    return [test for test in failed if test in tests and tests[test].why is None]


def pytest(totals, name, program, *arguments, env=None, again=False, workers=1):
    """Runs pytest; each test is a check. again: if a few tests fail, they are run once more by themselves."""
    report = BUILD / f"pytest-{re.sub('[^a-z]', '-', name)}.xml"
    status, tests = run_pytest(report, program, arguments, env, workers)
    failed = {test: seen for test, seen in (tests or {}).items() if seen.why is not None}
    if again and 0 < len(failed) <= AGAIN_MAX and status == 1 and all(seen.once for seen in failed.values()):
        passed = run_again(name, report.with_suffix(".again.xml"), program, failed, env)
        totals.again += [f"{name} {test}: {failed.pop(test).why}" for test in passed]
    if tests is None or status not in (0, 1):
        totals.check(name, False, f"pytest ended with {status}")
    totals.passed += len(tests or {}) - len(failed)
    totals.failed += [f"{name} {test}: {seen.why}" for test, seen in failed.items()]


# Programs that judge the images, and tests that judge the server's memory; sanitizers would only slow them, or hide it.
PLAIN = "both_ways_answer or test_programs or test_bodies or memory_of_large_bodies or slow_reader"
SANITIZERS = {"CODECELL_PATIENCE": "120", "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
              "UBSAN_OPTIONS": "print_stacktrace=1"}


def api(totals):
    """The tests of tests/api that need a server without sanitizers. The part asan runs all others."""
    pytest(totals, "api", BUILD / "gcc" / "codecell", "tests/api", "-k", PLAIN, again=AGAIN)


def asan(totals):
    """The server's own code under sanitizers, without the tests of what the kernel and the engine decide."""
    pytest(totals, "asan", BUILD / "asan" / "codecell", "tests/api", "-k", f"not ({PLAIN})", env=SANITIZERS,
           again=AGAIN, workers=WORKERS)


def faces(totals):
    """Every face with golden pairs, and with the real clients of its service, under sanitizers."""
    pytest(totals, "faces", BUILD / "asan" / "codecell", "tests/faces", env=SANITIZERS, again=AGAIN,
           workers=WORKERS)


def clients(totals):
    """The client libraries as users install them, and the pages in a browser."""
    totals.check("types of the Python client", *run("mypy", "--strict", ROOT / "clients/python/src/codecell"))
    pytest(totals, "clients", BUILD / "gcc" / "codecell", "tests/clients", "tests/page",
           again=AGAIN, workers=WORKERS)


def escape(totals):
    """All of it in both isolations; the attempts also in each other way to run a program."""
    program, folder = BUILD / "gcc" / "codecell", ROOT / "tests" / "escape"
    pytest(totals, "escape", program, folder)
    attempts = [folder / f"test_{name}.py" for name in ("agent", "kernel", "isolation")]
    for name, env in {"held": {"TESTS_HELD": "1"}, "not waiting": {"TESTS_SETTINGS": "CODECELL_WAITING=off"}}.items():
        pytest(totals, f"escape, {name}", program, *attempts, env=env)


def fuzz(totals):
    targets = sorted(file for file in (BUILD / "fuzz").glob("fuzz_*") if os.access(file, os.X_OK) and file.is_file())
    totals.check("there are fuzz targets", targets != [])

    def one(target):
        name = target.name[len("fuzz_"):]
        corpus = ROOT / "tests" / "fuzz" / "corpus" / name
        found = Path(tempfile.mkdtemp(prefix="codecell-fuzz-"))
        good, output = run(target, found, *([corpus] if corpus.is_dir() else []), f"-max_total_time={FUZZ_SECONDS}",
                           "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
                           f"-artifact_prefix={BUILD}/fuzz/{name}-", cwd=found, limit=FUZZ_SECONDS + 120)
        shutil.rmtree(found, ignore_errors=True)
        runs = re.search(r"number_of_executed_units:\s*(\d+)", output)
        return corpus.is_dir() and any(corpus.iterdir()), good, output, int(runs[1]) if runs else 0
    for target, (has_corpus, good, output, runs) in zip(targets, side_by_side([lambda t=t: one(t) for t in targets])):
        totals.check(f"{target.name} has a corpus", has_corpus)
        totals.check(f"{target.name} for {FUZZ_SECONDS} s", good, output)
        print(f"   {target.name}: {runs} inputs")


def soak(totals):
    env = {"CODECELL_BIN": str(BUILD / "gcc" / "codecell")}
    for name, arguments in {f"soak of {SOAK}": ["run", SOAK, "16"],
                            f"soak of {SOAK} through piston": ["run", SOAK, "32", "piston"],
                            f"soak of {SOAK} in the background, killed": ["background", SOAK, "16"],
                            "200 open streams and 50 workspaces": ["lasting"],
                            f"flood of {FLOOD_SECONDS} s": ["flood", FLOOD_SECONDS]}.items():
        good, output = run(ROOT / "tests/soak" / arguments[0], *arguments[1:], env=env)
        print(output, flush=True)
        totals.check(name, good)


# Languages.

def build_images(ids):
    """Builds images while parts run that need none: a Future of (whether it went well, its output)."""
    return ThreadPoolExecutor(1).submit(run, ROOT / "images/build", *ids)


def waiting_languages():
    """The languages for which tests/api/waiting has programs."""
    return {file.stem.split("-")[0] for file in (ROOT / "tests/api/waiting").glob("*.txt")}


def checked_languages():
    return ci_languages(read_folders([LANGUAGES_FOLDER])[0])


def languages(totals):
    """Every proof of the languages that CI checks, each a check; a language without its image fails."""
    ids = checked_languages()
    good, output = run(ROOT / "images/check", *ids, env={"CODECELL_BIN": str(BUILD / "gcc" / "codecell")})
    told = re.search(r"^(\d+) passed, (\d+) failed$", output, re.M)
    print(output, flush=True)
    totals.passed += int(told[1]) if told else 0
    totals.failed += [f"languages {line}" for line in failures_in(output, ids)]
    if not told or (not good and told[2] == "0") or int(told[1]) == 0:
        totals.check("languages", False, f"images/check {' '.join(ids)} did not end well")


def failures_in(output, ids):
    """What images/check says of each check that failed, a line each."""
    names = re.findall(rf"^((?:{'|'.join(map(re.escape, ids))}): [^:\n]+): .*$", output, re.M)
    return list(dict.fromkeys(names))


@dataclass
class Part:
    presets: list       # the builds that it wants
    work: object        # its function of Totals
    languages: object   # a function: the languages whose images it needs; None where it needs no engine
    beside: bool = False  # may run beside parts that need the engine, which leave much of the machine idle


PARTS = {
    "lint": Part(["clang", "aarch64"], lint, None, beside=True),
    "unit": Part(["gcc", "clang", "asan", "tsan", "coverage"], unit, None),
    "escape": Part(["gcc"], escape, lambda: set(LANGUAGES)),  # leaves most to those beside, and api, the last, nothing
    "asan": Part(["asan"], asan, lambda: set(FACES_LANGUAGES)),
    "faces": Part(["asan"], faces, lambda: set(FACES_LANGUAGES)),
    "clients": Part(["gcc"], clients, lambda: set(LANGUAGES)),
    "languages": Part(["gcc"], languages, lambda: set(checked_languages())),
    "fuzz": Part(["fuzz"], fuzz, None, beside=True),
    "soak": Part(["gcc"], soak, lambda: set(LANGUAGES)),
    "api": Part(["gcc"], api, lambda: {*LANGUAGES, *waiting_languages(), *case_languages()}),
}


def wait_images(totals, images):
    good, output = images.result()
    if totals.check("images", good, output):
        print(output, end="", flush=True)


def run_parts(totals, wanted):
    """Parts that need no engine run first, while the images are built; then those that need it, and beside them those that
    may give way."""
    ids = sorted(set().union(*(PARTS[name].languages() for name in wanted if PARTS[name].languages)))
    images = build_images(ids) if ids else None
    aside = [name for name in wanted if PARTS[name].beside and images]
    totals.stage("build", lambda t: build(t, *presets_of(name for name in wanted if name not in aside)))
    for name in wanted:
        if not PARTS[name].languages and name not in aside:
            totals.stage(name, PARTS[name].work)
    if images:
        totals.stage("images", lambda t: wait_images(t, images))
    other = Beside(aside) if aside else None
    try:
        for name in wanted:
            if PARTS[name].languages:
                totals.stage(name, PARTS[name].work)
        if other:
            other.finish(totals)
    finally:
        if other:
            other.stop()


def finish(totals):
    """The last lines and the exit status."""
    for name in totals.again:
        print("FAILED AND THEN PASSED " + name)
    for name in totals.failed:
        print("FAILED " + name)
    print(f"{totals.passed} passed, {len(totals.failed)} failed")
    sys.exit(1 if totals.failed else 0)


def main():
    if sys.argv[1:2] == ["--beside"]:
        beside(sys.argv[2], sys.argv[3:])
        return
    if sys.argv[1:] == ["lint", "--staged"]:
        totals = Totals()
        totals.stage("lint --staged", lint_staged)
        finish(totals)
    wanted = list(dict.fromkeys(sys.argv[1:])) or list(PARTS)
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        sys.exit(f"tests/run: no part {unknown[0]}; there are: {', '.join(PARTS)}")
    totals, start = Totals(), time.monotonic()
    run_parts(totals, wanted)
    print(f"\n== all: {time.monotonic() - start:.0f} s")
    for line in totals.stages:
        print("   " + line)
    finish(totals)


if __name__ == "__main__":
    main()
