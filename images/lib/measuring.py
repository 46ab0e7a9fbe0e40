"""Searches for the least limits of a language with which its simplest proofs still pass."""
import json
from concurrent.futures import ThreadPoolExecutor

from checking import proofs_of, wait_offered
from folders import Problem
from proofs import judge
from service import PATIENCE, OwnServer

PROOFS = ("hello", "stdin", "compile_error")
TRIES = 3  # rounds that must pass with the result; one is enough during the search
DEFAULT = {"memory_mb": 512, "disk_mb": 100, "processes": 64}
LOWEST = {"memory_mb": 32, "disk_mb": 1, "processes": 8}
STEP = {"memory_mb": 4, "disk_mb": 1, "processes": 1}  # how exact the search is
ROUND = {"memory_mb": 8, "disk_mb": 1, "processes": 1}  # results are multiples of it
MORE = {"memory_mb": 16, "disk_mb": 1, "processes": 2}  # each is raised by it if the results together are not enough


def with_margin(field, found):
    """The limit for a language that works with `found`: a quarter more, because machines differ."""
    if found <= LOWEST[field]:
        return found
    return -(-(found * 5 // 4 + 1) // ROUND[field]) * ROUND[field]


def bisect(low, high, step, works):
    """The least of low, low + step, … that works. `high` must work."""
    if works(low):
        return low
    fails, enough = low, high
    while enough - fails > step:
        middle = fails + max((enough - fails) // 2 // step, 1) * step
        if works(middle):
            enough = middle
        else:
            fails = middle
    return enough


class Measuring:
    """The search for one version of a language."""

    def __init__(self, service, folder, version):
        self.service, self.folder, self.version = service, folder, version
        self.proofs = [proof for proof in proofs_of(folder) if proof.name in PROOFS and not proof.cannot]
        own = folder.language.get("limits", {})
        self.own = {field: own.get(field, default) for field, default in DEFAULT.items()}

    def works(self, limits, rounds=1):
        """Whether every round of the proofs passes with these limits."""
        for _ in range(rounds):
            for proof in self.proofs:
                request = {**proof.request(self.folder.id), **self.version, "limits": limits}
                status, answer = self.service.execute(request)
                if list(judge(proof.expect, status, answer)):
                    return False
        return True

    def search(self):
        """The least limits with their margins, without those that any request may ask for: {field: value}."""
        if not self.works(self.own):
            raise Problem("its proofs fail with its own limits")
        if self.works(LOWEST, TRIES):
            return {}
        found = {field: bisect(LOWEST[field], self.own[field], STEP[field],
                               lambda value, field=field: self.works({**self.own, field: value}))
                 for field in DEFAULT}
        least = {field: min(with_margin(field, value), self.own[field]) for field, value in found.items()}
        while not self.works(least, TRIES):
            if least == self.own:
                raise Problem("its proofs sometimes fail with its own limits")
            raised = [field for field, value in least.items() if value > LOWEST[field]] or list(least)
            least |= {field: min(least[field] + MORE[field], self.own[field]) for field in raised}
        return {field: value for field, value in least.items() if value > LOWEST[field]}


def without_least(language):
    """The language without its `least`, so that the server refuses none of the limits that are tried."""
    entries = [{name: value for name, value in entry.items() if name != "least"}
               for entry in language.get("versions", [])]
    return {**{name: value for name, value in language.items() if name != "least"}, "versions": entries}


def measure(measuring):
    name = " ".join([measuring.folder.id, *measuring.version.values()])
    try:
        line = f'"least": {json.dumps(measuring.search())}'
        failed = False
    except Problem as problem:
        line, failed = f"FAILED: {problem}", True
    print(f"{name:32} {line}", flush=True)
    return failed


def jobs_of(service, folders, offered):
    """Yields a Measuring for each version that the server offers."""
    for folder in folders:
        versions = offered[folder.id]["versions"] if folder.id in offered else []
        for version in versions:
            yield Measuring(service, folder, {"version": version} if len(versions) > 1 else {})


def measure_all(folders, workers):
    """Prints `least` of each version of these languages, and returns an exit status."""
    settings = {"CODECELL_CONCURRENCY": str(workers), "CODECELL_POOL": "*=0"}
    languages = [without_least(folder.language) for folder in folders]
    with OwnServer(folders, settings, languages) as service, ThreadPoolExecutor(workers) as pool:
        try:
            offered = wait_offered(service, folders, PATIENCE)
            failed = list(pool.map(measure, jobs_of(service, folders, offered)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return 1 if any(failed) or len(offered) < len(folders) else 0
