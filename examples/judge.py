#!/usr/bin/env python3
"""Grades submissions: judge.py PROBLEM SUBMISSION…

PROBLEM is a folder with tests NAME.in and NAME.out. Each submission is a file whose extension names its language. Prints
a line for each: its verdict, how many tests it passed, and its slowest test.
  AC accepted, WA wrong answer, TLE too slow, MLE too much memory, RE it failed, CE it does not compile
"""
import sys
from pathlib import Path

from codecell import Client, Request

SECONDS, MEMORY_MB = 2, 256
AT_ONCE = 10  # the API's limit for one batch
VERDICTS = {"timed_out": "TLE", "out_of_memory": "MLE", "compile_failed": "CE", "failed": "RE"}


def read_tests(problem):
    return [(file.read_text(), file.with_suffix(".out").read_text()) for file in sorted(Path(problem).glob("*.in"))]


def request(submission, given):
    return Request(submission.read_text(), submission.suffix[1:], stdin=given, timeout=SECONDS,
                   limits={"memory_mb": MEMORY_MB})


def verdict(result, wanted):
    if result.status != "completed":
        return VERDICTS.get(result.status, result.status)
    return "AC" if result.stdout.split() == wanted.split() else "WA"


def grade(codecell, submissions, tests):
    """{submission: [(verdict, seconds)…]}; many programs run side by side."""
    jobs = [(submission, given, wanted) for submission in submissions for given, wanted in tests]
    grades = {submission: [] for submission in submissions}
    for at in range(0, len(jobs), AT_ONCE):
        part = jobs[at:at + AT_ONCE]
        results = codecell.batch([request(submission, given) for submission, given, _ in part])
        for (submission, _, wanted), result in zip(part, results):
            grades[submission].append((verdict(result, wanted), result.execution_time))
    return grades


def main(problem, submissions):
    with Client(retries=5) as codecell:
        for submission, tests in grade(codecell, submissions, read_tests(problem)).items():
            passed = sum(word == "AC" for word, _ in tests)
            first_bad = next((word for word, _ in tests if word != "AC"), "AC")
            print(f"{first_bad:4} {passed}/{len(tests)}  {max(seconds for _, seconds in tests):6.3f} s  {submission.name}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], [Path(name) for name in sys.argv[2:]])
