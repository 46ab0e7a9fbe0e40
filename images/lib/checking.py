"""Checks a language: runs its proofs in real cells, and compares what the server lists with what its images say."""
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
LIVE_SECONDS = (1, 4, 16)  # the timeouts of the proof `live`, tried one after another until its line arrives
NEEDS = re.compile(r"limits\.(\w+): .* needs at least (\d+)")


class Result:
    """What the checks of one language found."""

    def __init__(self, folder):
        self.folder, self.passed, self.failures, self.cannot = folder, 0, [], []
        self.versions, self.packages, self.hello, self.done = [], [], None, []
        self.lock = threading.Lock()

    def check(self, name, sentences, request=None, answer=None):
        """Adds a check. It failed if there are sentences, which say what is wrong. A report has request and answer."""
        with self.lock:
            self.done.append(name)
            if not sentences:
                self.passed += 1
                return
            lines = [f"{self.folder.id}: {name}: {sentence}" for sentence in sentences]
            if request is not None:
                lines += [f"   request  {json.dumps(request, ensure_ascii=False)}",
                          f"   answer   {json.dumps(telling_part(answer), ensure_ascii=False)[:4000]}"]
            self.failures.append("\n".join(lines))


def telling_part(answer):
    """The fields of an answer that help to explain a failure."""
    fields = ("detail", "status", "exit_code", "signal", "stdout", "stderr", "compile", "warnings", "version",
              "execution_time")
    if not isinstance(answer, dict):
        return answer
    return {name: answer[name] for name in fields if name in answer and answer[name] not in (None, [])}


def proofs_of(folder):
    """The proofs of a language. A Problem names the file and what is wrong in it."""
    file = folder.path / "tests.txt"
    compiles = any(variant.get("compile") for variant in variants(folder.language))
    try:
        return read_proofs(file.read_text(encoding="utf-8"), compiles)
    except FileNotFoundError:
        raise Problem(f"{file} is missing: a language needs proofs") from None
    except (Problem, UnicodeDecodeError) as problem:
        raise Problem("\n".join(f"{file}: {line}" for line in str(problem).splitlines())) from None


def missing_images(folder):
    """The images that a language lacks. One that may be absent does not count if the language has another."""
    missing = [image for image in folder.images() if inspect_image(image) is None]
    needed = [image for image in missing if image not in folder.unproven()]
    return missing if len(missing) == len(folder.images()) else needed


def may_be_absent(folder):
    """Whether all images of a language may be absent."""
    return len(folder.unproven()) == len(folder.images())


def here(folder):
    """The versions of a language, with all fields, whose image the engine has; `named` marks other implementations. An
    entry that only adds aliases to a version is not one."""
    images, found = {image: inspect_image(image) is not None for image in folder.images()}, []
    for variant in named_variants(folder.language):
        variant.pop("aliases", None)
        if images[image_of(variant, folder.id)] and variant not in found:
            found.append(variant)
    return found


def wait_offered(service, folders, patience):
    """Waits at most `patience` seconds until the server offers all versions of these languages or says why it does not.
    Returns its languages: {id: language}."""
    end = time.monotonic() + patience
    while True:
        offered = service.languages()
        waited = [folder for folder in folders if not is_whole(folder, offered)
                  and not service.left_out(folder.id, [image_of(each, folder.id) for each in here(folder)])]
        if not waited or time.monotonic() > end:
            return offered
        time.sleep(0.1)


def is_whole(folder, offered):
    return folder.id in offered and len(offered[folder.id]["versions"]) >= len(here(folder))


# What the images say.

def version_in(text):
    """The first part of a text that looks like a version, by the server's rules."""
    found = re.search(r"\d+(?:\.\d+)+", text) or re.search(r"\d+", text)
    return found[0] if found else None


def ask_image(folder, variant, field):
    """Runs one of the language's commands in its image. Returns (exit code, stdout, stderr)."""
    return run_locked(image_of(variant, folder.id), variant[field]["argv"], variant.get("environment") or {},
                      variant.get("limits"))


def version_of(folder, variant):
    code, out, err = ask_image(folder, variant, "version")
    version = version_in(out + err)
    if code != 0 or version is None:
        raise Problem(f"exit code {code}, printed {out!r} and {err!r}")
    return f"{variant['name']}-{version}" if variant.get("named") else version


def named_variants(language):
    """The versions of a language with all fields; `named` marks those that are another implementation."""
    names = [False, *("name" in entry for entry in language.get("versions", []))]
    return [{**variant, "named": named} for variant, named in zip(variants(language), names)]


def failing_commands(folder):
    """Yields a sentence for each command of a version that fails in its image."""
    for variant in here(folder):
        for field in ("version", "packages"):
            if variant.get(field):
                code, out, err = ask_image(folder, variant, field)
                if code != 0:
                    yield f"{field} in {image_of(variant, folder.id)}: exit code {code}, printed {out!r} and {err!r}"


def check_facts(result, offer):
    """Checks that the server lists the versions and packages that the images say."""
    variant = check_versions(result, offer)
    if variant is not None:
        check_packages(result, offer, variant)


def check_versions(result, offer):
    """Checks the versions. Returns the variant with the default version, or None if there is none."""
    folder, found, default = result.folder, [], None
    for variant in here(folder):
        try:
            found.append(version_of(folder, variant))
        except Problem as problem:
            result.check(f"version in {image_of(variant, folder.id)}", [str(problem)])
            return None
        if found[-1] == offer["version"]:
            default = variant
    sentences = []
    if sorted(found) != sorted(offer["versions"]):
        sentences.append(f"the images say {', '.join(found)}, the server lists {', '.join(offer['versions'])}")
    result.check("version", sentences)
    return default


def check_packages(result, offer, variant):
    """Checks the packages, which the server lists for the default version."""
    if not variant.get("packages"):
        return
    code, out, err = ask_image(result.folder, variant, "packages")
    lines = out.splitlines()
    listed = [f"{each['name']} {each['version']}" for each in offer["packages"]]
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
    """Runs hello with its least limits. The first try has the server's minima; each 400 says what one limit must be."""
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
    """Checks that the output of a program that never ends arrives. A busy machine gets more time for it."""
    other_step = live_differs(result.folder)
    if other_step is None:
        result.check("live", ["language.json needs 'live', which says how output comes by the line, or the proof a "
                              "reason why it cannot"])
        return
    request = {**proof.request(result.folder.id + (LIVE if other_step else "")), **version}
    for request["timeout"] in LIVE_SECONDS:
        status, answer = service.execute(request)
        if status != 500 or answer.get("stdout") == proof.expect["stdout"]:
            break
    with_name = "live" + (f" ({version['version']})" if version else "")
    result.check(with_name, list(judge(proof.expect, status, answer)), request, answer)


def live_differs(folder):
    """Whether `live` is another run step in any version; None if a version has no `live`."""
    steps = [live_of(variant) for variant in variants(folder.language)]
    if None in steps:
        return None
    return steps != variants(folder.language)


def jobs_of(service, result, proofs, only):
    """Yields a function for each check of a language that is a request."""
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
                if not live_differs(result.folder) or service.has_live:
                    yield lambda proof=proof, version=version: ask_live(service, result, proof, version)
                continue
            request = {**proof.request(result.folder.id), **version}
            yield lambda proof=proof, request=request: ask(service, result, proof.name, request, proof.expect)
    for proof in proofs:
        if "version" in proof.fields and (not only or proof.name in only) and not is_absent(result, proof):
            request = proof.request(result.folder.id)
            yield lambda proof=proof, request=request: ask(service, result, proof.name, request, proof.expect)


def is_absent(result, proof):
    """Whether a proof is of a version (a name, or the start of a number) that may be absent, and is absent here."""
    version = proof.fields["version"]
    offered = any(each == version or each.startswith((f"{version}.", f"{version}-")) for each in result.versions)
    return not offered and any(each.get("proven") == WHERE_BUILT for each in variants(result.folder.language))


def time_hello(service, result, proofs):
    """Measures hello in an idle cell: the medians of its compile and run steps, in seconds."""
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


def check_all(service, folders, offered, only=(), workers=2, report=lambda result: None):
    """Checks languages, reports each when it is done, in their order, and returns the results.

    The checks of the next languages start before those of a language have ended.
    """
    results, left, under_way = [], list(folders), deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            while left or under_way:
                while left and len(under_way) < 3:
                    folder = left.pop(0)
                    under_way.append(begin(service, folder, offered.get(folder.id), only, pool))
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


def begin(service, folder, offer, only, pool):
    """Starts the checks of a language. Returns (result, proofs, futures), without futures if nothing can be checked."""
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
    if offer is None:
        why = [f"the server does not offer it: {service.left_out(folder.id) or 'it does not say why'}"]
        result.check("offer", [*why, *failing_commands(folder)])
        return result, proofs, []
    result.versions, result.packages = offer["versions"], offer["packages"]
    if not proofs:
        return result, proofs, []
    jobs = list(jobs_of(service, result, proofs, only))
    if not only:
        jobs.append(lambda: check_facts(result, offer))
    return result, proofs, [pool.submit(job) for job in jobs]


def standard_first(name):
    """A key for sorting names: the standard proofs in their order, then the others."""
    names = list(STANDARD)
    return (names.index(name), "") if name in names else (len(names), name)
