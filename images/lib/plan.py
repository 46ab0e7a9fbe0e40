"""Decides which images to build and in which order. All functions here are pure."""
import hashlib
import re
from dataclasses import dataclass, field

from facts import questions_of
from folders import OURS, WHERE_BUILT, Problem, image_of, variants

NAMED = re.compile(r"(?<![\w./-])" + re.escape(OURS) + r"([a-z0-9][a-z0-9._-]*)")
NO_SOURCE = {"language.json", "tests.txt"}  # no part of an image: a change of them needs no build
BASE = OURS + "base"


@dataclass
class Image:
    """An image to build from its folder, or to pull if it has no folder."""
    name: str
    folder: object = None
    needs: list = field(default_factory=list)      # names of images; it starts from the first
    languages: list = field(default_factory=list)  # ids of the languages that run in it
    below: bool = False                            # whether another image starts from it
    questions: list = field(default_factory=list)  # the commands that its languages run in it (facts.py)
    unproven: list = field(default_factory=list)   # folders of languages whose proofs decide whether it gets its name
    optional: bool = False                         # whether it may be absent: all its languages are "where built"


def starts_from(dockerfile):
    """The names of our images that a Dockerfile refers to, in its order. The image starts from the first."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    return list(dict.fromkeys(OURS + name for line in lines
                              if re.match(r"\s*(ARG|FROM|COPY)\b", line, re.I) or "from=" in line
                              for name in NAMED.findall(line)))


def images_by_name(folders):
    """All images that the folders build or name: {name: Image}."""
    found = {}
    for folder in folders.values():
        if folder.dockerfile is not None:
            needs = starts_from(folder.dockerfile.read_text(encoding="utf-8"))
            found[OURS + folder.id] = Image(OURS + folder.id, folder, needs)
    for folder in folders.values():
        for name in folder.images() if folder.language is not None else []:
            found.setdefault(name, Image(name)).languages.append(folder.id)
            if any(each.get("proven") == WHERE_BUILT and image_of(each, folder.id) == name
                   for each in variants(folder.language)):
                found[name].unproven.append(folder)
        for name, question in questions_of(folder.language) if folder.language is not None else []:
            found[name].questions.append(question)
    for image in list(found.values()):
        image.optional = bool(image.languages) and all(image.name in folders[id_].unproven() for id_ in image.languages)
        for name in image.needs:
            found.setdefault(name, Image(name)).below = True
    return found


HOST = re.compile(r"https?://([A-Za-z0-9.-]+)")


def hosts_of(dockerfile):
    """The hosts in the addresses of a Dockerfile, each once."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    return list(dict.fromkeys(HOST.findall("\n".join(lines))))


def wanted_images(folders, ids, versions=True):
    """The names of the images that these languages and images need; without ids those of all.

    versions False: only one image for each language. This is the first that may not be absent, if there is one.
    """
    names, own = [], sorted(folder.id for folder in folders.values() if not folder.lent)
    for id_ in ids or own:
        if id_ not in folders:
            raise Problem(f"no language or image '{id_}'; the ids are: {' '.join(own)}")
        folder = folders[id_]
        proven = [image for image in folder.images() if image not in folder.unproven()]
        used = folder.images() if versions else (proven or folder.images())[:1]
        names += [OURS + id_] if folder.dockerfile is not None and OURS + id_ not in used else []
        names += used
    return list(dict.fromkeys(names))


def in_order(images, wanted):
    """The wanted images and all that they need, each after those that it needs."""
    order, under_way = [], []

    def visit(name, by):
        image = images[name]
        if image in order:
            return
        if name in under_way:
            raise Problem(f"{name} starts from itself through {' and '.join(under_way[under_way.index(name):])}")
        if image.folder is None and name.startswith(OURS):
            raise Problem(f"{by or name}: no folder '{name[len(OURS):]}' has a Dockerfile for {name}")
        under_way.append(name)
        for need in image.needs:
            visit(need, name)
        under_way.pop()
        order.append(image)

    for name in wanted:
        users = images[name].languages
        visit(name, f"{users[0]}/language.json: image" if users else None)
    return order


def fingerprint(folder, needs):
    """A hash of what an image is made of: its folder's files, and the ids of the images that it needs."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        if str(name) in NO_SOURCE or "__pycache__" in name.parts:
            continue
        content = path.read_bytes()
        digest.update(f"{name}\0{path.stat().st_mode & 0o111:o}\0{len(content)}\0".encode() + content)
    for need in needs:
        digest.update(need.encode() + b"\0")
    return digest.hexdigest()[:32]


FIRST = ("python", "javascript", "typescript", "java", "go", "rust", "cpp", "csharp", "ruby", "php", "sql", "bash", "c")


def ci_languages(folders):
    """The ids of the languages that every run of the tests checks: those in FIRST, and one for each shared image in
    which none of them runs. Images that may be absent do not count."""
    chosen = list(FIRST)
    used = {name for id_ in chosen if id_ in folders for name in folders[id_].images()}
    for name, users in shared_images(folders).items():
        if name not in used:
            chosen.append(users[0])
    return chosen


def shared_images(folders):
    """The images that no single language owns, except those that may be absent: {name: [ids of languages]}."""
    return {image.name: sorted(image.languages) for image in without_one_owner(folders)
            if image.languages and not image.optional}


def without_one_owner(folders):
    """The images whose folder is not a language's, and those in which several languages run, in the order of names."""
    images = images_by_name(folders)
    return [image for _, image in sorted(images.items()) if image.folder is not None and not image.folder.lent
            and (image.folder.language is None or len(image.languages) > 1)]


def held_by(image):
    """What a shared image holds, as the comment in the first line of its Dockerfile says."""
    first = image.folder.dockerfile.read_text(encoding="utf-8").partition("\n")[0]
    if not first.startswith("# "):
        raise Problem(f"{image.folder.dockerfile}: the first line must be a comment that says what the image holds")
    return first.removeprefix("# ")
