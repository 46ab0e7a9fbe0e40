"""Describes languages in an image that does not have its name yet, for the proofs that decide whether it gets it."""
import json
import shutil

from folders import image_of, variants


def languages_on(folder, image, staged):
    """Returns (folder, content of its language.json) with only the versions that run in `image`, now in `staged`."""
    names = [None, *(entry.get("name") for entry in folder.language.get("versions", []))]
    found = [(variant, name) for variant, name in zip(variants(folder.language), names)
             if image_of(variant, folder.id) == image]
    (first, _), *others = found
    language = {**first, "name": folder.language["name"], "image": staged}
    entries = []
    for variant, name in others:
        entry = {field: variant.get(field) for field in VERSION_FIELDS if variant.get(field) != first.get(field)}
        entries.append({**entry, **({"name": name} if name else {}), "image": staged})
    return folder, {**language, "versions": entries} if entries else language


VERSION_FIELDS = ("compile", "run", "environment", "waiting", "least", "live", "version", "packages")


def write_folders(parent, languages):
    """Writes folders for images/check. Their other files are those of the languages' own folders."""
    for folder, language in languages:
        shutil.copytree(folder.path, parent / folder.id, ignore=shutil.ignore_patterns("Dockerfile"))
        (parent / folder.id / "language.json").write_text(json.dumps(language), encoding="utf-8")
