"""The programs of tests/cases/programs.jsonl, and the languages that they name."""
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "images" / "lib"))

from folders import LANGUAGES_FOLDER, read_folders


def read_cases():
    """{name: {name, request, right}}, in the order of the file."""
    lines = (ROOT / "tests/cases/programs.jsonl").read_text(encoding="utf-8").splitlines()
    return {case["name"]: case for case in map(json.loads, lines)}


def case_languages():
    """The ids of the languages of all cases, in order; a name that no language has is left out."""
    ids = {name: id_ for id_, folder in read_folders([LANGUAGES_FOLDER])[0].items() for _, name in folder.names()}
    named = {case["request"]["language"] for case in read_cases().values()}
    return sorted({ids[name] for name in named if name in ids})
