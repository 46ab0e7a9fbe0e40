"""Reads the folders of languages and images, and checks that no name belongs to two languages."""
import json
import os
import re
from pathlib import Path

IMAGES = Path(__file__).resolve().parents[1]
LANGUAGES_FOLDER = IMAGES / "languages"       # a folder for each of the project's languages
SHARED_FOLDER = IMAGES / "shared"             # a folder for each image that is not a language's own
OURS = "codecell/"                            # the prefix of the names of images that we build
WHERE_BUILT = "where built"                   # `proven` of a version that its author could not build and try
ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")


class Problem(Exception):
    """An error that a user of the tools can mend: its text is the message."""


def search_path():
    """The parents of languages' folders: those in CODECELL_LANGUAGES, or the project's own."""
    named = [Path(each) for each in os.environ.get("CODECELL_LANGUAGES", "").split(":") if each]
    for folder in named:
        if not folder.is_dir():
            raise Problem(f"CODECELL_LANGUAGES: there is no folder {folder}")
    return named or [LANGUAGES_FOLDER]


class Folder:
    """One folder: a language, an image, or (most often) both."""

    def __init__(self, path, lent=False):
        """lent: an image of the project, read only because images in another parent may start from it."""
        self.path, self.id, self.lent = path, path.name, lent
        self.dockerfile = path / "Dockerfile" if (path / "Dockerfile").is_file() else None
        self.file = path / "language.json"
        if lent or not self.file.is_file():
            self.file = None
        self.language = read_language(self.file, self.id) if self.file else None

    def images(self):
        """The images that the versions of the language run in, each once and the first version's first."""
        if self.language is None:
            return [OURS + self.id]
        return list(dict.fromkeys(image_of(variant, self.id) for variant in variants(self.language)))

    def unproven(self):
        """The images in which only versions with "proven": "where built" run. Such an image may be absent."""
        proven = [image_of(each, self.id) for each in variants(self.language or {}) if each.get("proven") != WHERE_BUILT]
        return [image for image in self.images() if self.language is not None and image not in proven]

    def names(self):
        """Yields (field of language.json, name) for each name by which a request can ask for the language."""
        if self.language is not None:
            yield "id", self.id
            for index, variant in enumerate([self.language, *self.language.get("versions", [])]):
                for alias in variant.get("aliases") or []:
                    yield "aliases" if index == 0 else f"versions[{index - 1}].aliases", alias


def image_of(language, folder):
    return language.get("image") or OURS + folder


def variants(language):
    """Each version with all of its fields, the file's own version first: what an entry leaves out is the file's."""
    own = {name: value for name, value in language.items() if name not in ("versions", "aliases")}
    return [own, *({**own, **entry} for entry in language.get("versions", []))]


def live_of(variant):
    """The version with the run step that its `live` describes: output comes by the line. None without `live`."""
    live = variant.get("live")
    if live is None or live is True:
        return variant if live else None
    run = live.get("argv") or [*live.get("prefix", []), *variant["run"]["argv"]]
    return {**variant, "run": {"argv": run},
            "environment": {**(variant.get("environment") or {}), **live.get("environment", {})}}


LIVE = ".live"  # the suffix of the id of a language that runs as its `live` says


def live_language(folder):
    """A language.json of the same language with the run steps of `live`; None if these are the normal run steps."""
    own, *others = [live_of(variant) or variant for variant in variants(folder.language)]
    if [own, *others] == variants(folder.language):
        return None
    entries = [{**step_of(variant, folder.id), **({"name": entry["name"]} if "name" in entry else {})}
               for variant, entry in zip(others, folder.language["versions"])] if others else []
    fields = {name: own[name] for name in ("name", "file", "limits", "line_ends", "example") if name in own}
    return {"id": folder.id + LIVE, **fields, **step_of(own, folder.id), "versions": entries}


def step_of(variant, folder):
    """The fields of a version that say how it runs, for a language.json with another id."""
    return {"image": image_of(variant, folder), **{name: variant[name] for name in
            ("compile", "run", "environment", "version") if variant.get(name) is not None or name == "compile"
            and name in variant}}


def read_language(file, folder):
    """Reads a language.json and checks the fields that these tools use; `codecell languages` checks every field."""
    try:
        language = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise Problem(f"{file}: {error}") from None
    if not isinstance(language, dict):
        raise Problem(f"{file}: must be an object")
    if language.get("id") != folder:
        raise Problem(f"{file}: id: must be the folder's name, {folder}")
    if not ID.fullmatch(folder):
        raise Problem(f"{file}: id: must be 1 to 32 of a-z, 0-9, '.', '_' and '-', a letter or digit first")
    for field in ("name", "file"):
        if not isinstance(language.get(field), str):
            raise Problem(f"{file}: {field}: must be a string")
    check_kinds(file, "", language)
    entries = language.get("versions", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Problem(f"{file}: versions: must be an array of objects")
    for index, entry in enumerate(entries):
        check_kinds(file, f"versions[{index}].", entry)
    for variant in variants(language):
        for field in ("run", "version"):
            argv_of(file, variant, field)
    return language


def check_kinds(file, prefix, entry):
    """Checks the fields that an entry of `versions` may have, too."""
    image, aliases = entry.get("image", "x"), entry.get("aliases", [])
    if not isinstance(image, str) or not image:
        raise Problem(f"{file}: {prefix}image: must be the name of an image")
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise Problem(f"{file}: {prefix}aliases: must be an array of strings")
    for alias in aliases:
        if alias != alias.lower():
            raise Problem(f"{file}: {prefix}aliases: {alias} is not in lower case")
    for field in ("run", "version", "compile", "packages"):
        if entry.get(field) is not None:
            argv_of(file, entry, field, prefix)
    live = entry.get("live")
    if live is not None and live is not True and not isinstance(live, dict):
        raise Problem(f"{file}: {prefix}live: must be true, or an object of environment, prefix or argv")


def argv_of(file, variant, field, prefix=""):
    command = variant.get(field)
    argv = command.get("argv") if isinstance(command, dict) else None
    if not isinstance(argv, list) or not argv or not all(isinstance(word, str) for word in argv):
        raise Problem(f"{file}: {prefix}{field}.argv: must be a non-empty array of strings")
    return argv


def read_folders(parents=None):
    """Returns ({id: Folder} of the languages and images, {id: [sentences about what is wrong in that folder]}).

    If the project's languages are among the parents, its shared images are read, too. Otherwise all images of the
    project are added as `lent`, because an image in another parent may start from one of them.
    """
    parents = search_path() if parents is None else [Path(parent) for parent in parents]
    found, problems = {}, {}
    of_the_project = any(parent.resolve() == LANGUAGES_FOLDER for parent in parents)
    for path in folders_in([*parents, SHARED_FOLDER] if of_the_project else parents):
        if path.name in found or path.name in problems:
            problems.setdefault(path.name, []).append(f"{path}: another folder already has that name")
            continue
        try:
            found[path.name] = Folder(path)
        except Problem as problem:
            problems[path.name] = [str(problem)]
    for folder, sentence in names_taken(found.values()):
        problems.setdefault(folder.id, []).append(sentence)
    if not of_the_project:
        for path in folders_in([LANGUAGES_FOLDER, SHARED_FOLDER]):
            if (path / "Dockerfile").is_file() and path.name not in found:
                found[path.name] = Folder(path, lent=True)
    return found, problems


def folders_in(parents):
    """The folders of languages and images in each parent, in the order of their names."""
    return [path for parent in parents for path in sorted(parent.iterdir())
            if (path / "Dockerfile").is_file() or (path / "language.json").is_file()]


def names_taken(folders):
    """Yields (folder, sentence) for each name that two languages have or one has twice. Ids go before aliases."""
    owners, seen = {}, set()
    claims = [(folder, field, name) for folder in folders for field, name in folder.names()]
    for folder, field, name in sorted(claims, key=lambda claim: claim[1] != "id"):
        owner = owners.setdefault(name.lower(), folder)
        if owner is not folder:
            yield folder, f"{folder.file}: {field}: {name} already belongs to {owner.id}"
        elif (folder.id, name.lower()) in seen:
            yield folder, f"{folder.file}: {field}: {name} is listed twice"
        seen.add((folder.id, name.lower()))


def extensions(folders):
    """The ids of the languages by the ending of their program's file: {"py": ["python"]}."""
    found = {}
    for folder in folders:
        if folder.language is not None:
            _, dot, ending = folder.language["file"].rpartition(".")
            if dot:
                found.setdefault(ending.lower(), []).append(folder.id)
    return found


def languages_of(folders):
    return sorted((folder for folder in folders.values() if folder.language is not None), key=lambda each: each.id)
