"""Checks one language: its proofs in real cells, and that what the server tells of it is what its images say."""
import json
import re
import statistics
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from engine import inspect_image, run_locked
from folders import LIVE, WHERE_BUILT, Problem, image_of, live_of, variants
from proofs import STANDARD, judge, read_proofs

HELLO_ROUNDS = 3
LIVE_SECONDS = (1, 4, 16)  # the timeouts that a program has to print its line, one after another
NEEDS = re.compile(r"limits\.(\w+): .* needs at least (\d+)")


class Result:
    """What was found of one language."""

    def __init__(self, folder):
        self.folder, self.passed, self.failures, self.cannot = folder, 0, [], []
        self.versions, self.packages, self.hello, self.done = [], [], None, []
        self.lock = threading.Lock()

    def check(self, name, sentences, request=None, answer=None):
        """One check with what is wrong in it, and what was asked and answered."""
        with self.lock:
            self.done.append(name)
            if not sentences:
                self.passed += 1
                return
            lines = [f"{self.folder.id}: {name}: {sentence}" for sentence in sentences]
            if request is not None:
                lines += [f"   request  {json.dumps(request, ensure_ascii=False)}",
                          f"   answer   {json.dumps(told_of(answer), ensure_ascii=False)[:4000]}"]
            self.failures.append("\n".join(lines))


def told_of(answer):
    """What of an answer says why it is as it is."""
    fields = ("detail", "status", "exit_code", "signal", "stdout", "stderr", "compile", "warnings", "version",
              "execution_time")
    if not isinstance(answer, dict):
        return answer
    return {name: answer[name] for name in fields if name in answer and answer[name] not in (None, [])}


def proofs_of(folder):
    """A language's proofs, or a Problem that names the file and what is wrong in it."""
    file = folder.path / "tests.txt"
    compiles = any(variant.get("compile") for variant in variants(folder.language))
    try:
        return read_proofs(file.read_text(encoding="utf-8"), compiles)
    except FileNotFoundError:
        raise Problem(f"{file}: there is none: a language needs its proofs") from None
    except (Problem, UnicodeDecodeError) as problem:
        raise Problem("\n".join(f"{file}: {line}" for line in str(problem).splitlines())) from None


def missing_images(folder):
    """The images that a language lacks. One that may be absent is not missed as long as it has another."""
    missing = [image for image in folder.images() if inspect_image(image) is None]
    needed = [image for image in missing if image not in folder.unproven()]
    return missing if len(missing) == len(folder.images()) else needed


def may_be_absent(folder):
    """Whether a language is there only on machines that its images could be built on."""
    return len(folder.unproven()) == len(folder.images())


def here(folder):
    """Its versions in full whose image the engine has; of another implementation by `named`. One that only adds names to
    another is none of its own."""
    images, found = {image: inspect_image(image) is not None for image in folder.images()}, []
    for variant in named_variants(folder.language):
        variant.pop("aliases", None)
        if images[image_of(variant, folder.id)] and variant not in found:
            found.append(variant)
    return found


def wait_offered(service, folders, patience):
    """What the server tells of each language once it offers all versions; who is missing when patience ends."""
    end = time.monotonic() + patience
    while True:
        told = service.languages()
        waited = [folder for folder in folders if not is_whole(folder, told)
                  and not service.left_out(folder.id, [image_of(each, folder.id) for each in here(folder)])]
        if not waited or time.monotonic() > end:
            return told
        time.sleep(0.1)


def is_whole(folder, told):
    return folder.id in told and len(told[folder.id]["versions"]) >= len(here(folder))


# What the images say themselves.

def version_in(text):
    """The first thing that looks like a version: as the server looks for it."""
    found = re.search(r"\d+(?:\.\d+)+", text) or re.search(r"\d+", text)
    return found[0] if found else None


def told_by_image(folder, variant, field):
    """What one of the language's commands prints in its image."""
    return run_locked(image_of(variant, folder.id), variant[field]["argv"], variant.get("environment") or {},
                      variant.get("limits"))


def version_of(folder, variant):
    code, out, err = told_by_image(folder, variant, "version")
    version = version_in(out + err)
    if code != 0 or version is None:
        raise Problem(f"exit code {code}, printed {out!r} and {err!r}")
    return f"{variant['name']}-{version}" if variant.get("named") else version


def named_variants(language):
    """Its versions in full; one that is another implementation is marked by `named`."""
    names = [False, *("name" in entry for entry in language.get("versions", []))]
    return [{**variant, "named": named} for variant, named in zip(variants(language), names)]


def failing_commands(folder):
    """What goes wrong where a version's commands are asked directly."""
    for variant in here(folder):
        for field in ("version", "packages"):
            if variant.get(field):
                code, out, err = told_by_image(folder, variant, field)
                if code != 0:
                    yield f"{field} in {image_of(variant, folder.id)}: exit code {code}, printed {out!r} and {err!r}"


def check_told(result, told):
    """What the server tells of a language is what its images say themselves."""
    variant = check_versions(result, told)
    if variant is not None:
        check_packages(result, told, variant)


def check_versions(result, told):
    """The variant that runs where no version is asked for; None where none has its version."""
    folder, found, default = result.folder, [], None
    for variant in here(folder):
        try:
            found.append(version_of(folder, variant))
        except Problem as problem:
            result.check(f"version in {image_of(variant, folder.id)}", [str(problem)])
            return None
        if found[-1] == told["version"]:
            default = variant
    sentences = []
    if sorted(found) != sorted(told["versions"]):
        sentences.append(f"the images say {', '.join(found)}, the server lists {', '.join(told['versions'])}")
    result.check("version", sentences)
    return default


def check_packages(result, told, variant):
    """Those of the version that the server lists them of."""
    if not variant.get("packages"):
        return
    code, out, err = told_by_image(result.folder, variant, "packages")
    lines = out.splitlines()
    listed = [f"{each['name']} {each['version']}" for each in told["packages"]]
    sentences = [f"{line!r} is not 'name version'" for line in lines if not re.fullmatch(r"\S+ \S+", line)]
    if code != 0 or not lines:
        sentences.append(f"exit code {code}, printed {out!r} and {err!r}")
    if not sentences and sorted(lines) != sorted(listed):
        sentences.append(f"the image says {lines}, the server lists {listed}")
    result.check("packages", sentences)


# Proofs.

def check_example(service, result, version):
    example = result.folder.language.get("example") or {}
    request = {"language": result.folder.id, "code": example.get("code", ""), "timeout": 60, **version}
    if example.get("stdin"):
        request["stdin"] = example["stdin"]
    expect = {"status": "completed", "exit_code": 0, "stdout": example.get("stdout"), "stderr": r"\A\Z"}
    ask(service, result, "example", request, expect)


def ask(service, result, name, request, expect):
    if "version" in request:
        name = f"{name} ({request['version']})"
    try:
        status, answer = service.execute(request)
        sentences = list(judge(expect, status, answer))
        asked = request.get("version")
        if not sentences and asked in result.versions and answer["version"] != asked:
            sentences.append(f"version is {answer['version']!r}, not {asked!r}")
    except Problem as problem:
        sentences, answer = [str(problem)], None
    result.check(name, sentences, request, answer)


def ask_least(service, result, hello, version):
    """Hello with the least limits: each 400 says what one of them must be, starting from the server's own minima."""
    limits, name = {"memory_mb": 32, "disk_mb": 1, "processes": 8}, "least"
    request = {**hello.request(result.folder.id), **version, "limits": limits}
    for _ in limits:
        status, answer = service.execute(request)
        needs = NEEDS.fullmatch(answer.get("detail", "")) if status == 400 else None
        if needs is None:
            break
        limits[needs[1]] = int(needs[2])
    ask(service, result, name, request, hello.expect)


def ask_live(service, result, proof, version):
    """What a program printed is there although it never ends. A busy machine gets more time for it."""
    told = live_told(result.folder)
    if told is None:
        result.check("live", ["language.json must say how its output comes by the line (live), or the proof why it "
                              "cannot"])
        return
    request = {**proof.request(result.folder.id), **version, **({"language": result.folder.id + LIVE} if told else {})}
    for request["timeout"] in LIVE_SECONDS:
        status, answer = service.execute(request)
        if status != 500 or answer.get("stdout") == proof.expect["stdout"]:
            break
    with_name = "live" + (f" ({version['version']})" if version else "")
    result.check(with_name, list(judge(proof.expect, status, answer)), request, answer)


def live_told(folder):
    """Whether its `live` is another run step, in one of its versions; None where one of them has none."""
    steps = [live_of(variant) for variant in variants(folder.language)]
    if None in steps:
        return None
    return steps != variants(folder.language)


def jobs_of(service, result, proofs, only):
    """The checks of a language that are requests, each a function."""
    several = len(result.versions) > 1
    for version in ({"version": each} for each in result.versions) if several else [{}]:
        if not only or "example" in only:
            yield lambda version=version: check_example(service, result, version)
        if not only or "least" in only:
            hello = next(proof for proof in proofs if proof.name == "hello")
            yield lambda version=version, hello=hello: ask_least(service, result, hello, version)
        for proof in proofs:
            if proof.cannot or (only and proof.name not in only) or "version" in proof.fields:
                continue
            if proof.name == "live":
                if not live_told(result.folder) or service.has_live:
                    yield lambda proof=proof, version=version: ask_live(service, result, proof, version)
                continue
            request = {**proof.request(result.folder.id), **version}
            yield lambda proof=proof, request=request: ask(service, result, proof.name, request, proof.expect)
    for proof in proofs:
        if "version" in proof.fields and (not only or proof.name in only) and not is_absent(result, proof):
            request = proof.request(result.folder.id)
            yield lambda proof=proof, request=request: ask(service, result, proof.name, request, proof.expect)


def is_absent(result, proof):
    """Whether a proof is of a version (a name, or the start of a number) that this machine may be without, and is."""
    version = proof.fields["version"]
    told = any(each == version or each.startswith((f"{version}.", f"{version}-")) for each in result.versions)
    return not told and any(each.get("proven") == WHERE_BUILT for each in variants(result.folder.language))


def time_hello(service, result, proofs):
    """Medians of hello's compile and run steps in seconds, in a cell that waited."""
    hello = next(proof for proof in proofs if proof.name == "hello")
    times = []
    for _ in range(HELLO_ROUNDS):
        service.wait_cell(result.folder.id, bool(result.folder.language.get("waiting")))
        status, answer = service.execute(hello.request(result.folder.id))
        if status != 200:
            return
        compiled = answer["compile"]["execution_time"] if answer["compile"] else 0
        times.append((compiled, answer["execution_time"]))
    result.hello = tuple(statistics.median(column) for column in zip(*times))


def check_all(service, folders, told, only=(), workers=2, report=lambda result: None):
    """Checks languages, and reports each when it is done, in their order; the results.

    While one's last checks run and its hello is timed, the next ones' have begun.
    """
    results, left, under_way = [], list(folders), deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            while left or under_way:
                while left and len(under_way) < 3:
                    folder = left.pop(0)
                    under_way.append(begin(service, folder, told.get(folder.id), only, pool))
                result, proofs, futures = under_way.popleft()
                for future in futures:
                    future.result()
                if futures:
                    time_hello(service, result, proofs)
                report(result)
                results.append(result)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results


def begin(service, folder, told, only, pool):
    """Starts what there is to check of a language: (result, proofs, futures); no futures where nothing can be."""
    result = Result(folder)
    try:
        proofs = proofs_of(folder)
    except Problem as problem:
        result.check("tests.txt", str(problem).splitlines())
        proofs = []
    result.cannot = [proof for proof in proofs if proof.cannot]
    missing = missing_images(folder)
    if missing:
        result.check("image", [f"the engine has no image {image}: images/build {folder.id}" for image in missing])
        return result, proofs, []
    if told is None:
        why = [f"the server does not offer it: {service.left_out(folder.id) or 'it does not say why'}"]
        result.check("offer", [*why, *failing_commands(folder)])
        return result, proofs, []
    result.versions, result.packages = told["versions"], told["packages"]
    if not proofs:
        return result, proofs, []
    jobs = list(jobs_of(service, result, proofs, only))
    if not only:
        jobs.append(lambda: check_told(result, told))
    return result, proofs, [pool.submit(job) for job in jobs]


def standard_first(name):
    """For lists of names: the standard proofs in their order, then the others."""
    names = list(STANDARD)
    return (names.index(name), "") if name in names else (len(names), name)
