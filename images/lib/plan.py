"""Which images are to be built, and in which order: pure functions of the folders."""
import hashlib
import re
from dataclasses import dataclass, field

from facts import questions_of
from folders import OURS, WHERE_BUILT, Problem, image_of, variants

NAMED = re.compile(r"(?<![\w./-])" + re.escape(OURS) + r"([a-z0-9][a-z0-9._-]*)")
NO_SOURCE = {"language.json", "tests.txt"}  # of no image: changing them builds nothing anew
BASE = OURS + "base"


@dataclass
class Image:
    """An image to build from a folder, or (without one) to pull."""
    name: str
    folder: object = None
    needs: list = field(default_factory=list)      # names of images, the first is what it starts from
    languages: list = field(default_factory=list)  # ids of those that run in it
    below: bool = False                            # another image starts from it
    questions: list = field(default_factory=list)  # what its languages ask it (facts.py)
    unproven: list = field(default_factory=list)   # folders of those whose proofs are run when it was built
    optional: bool = False                         # no language of it was proven where it was written: it may be absent


def starts_from(dockerfile):
    """The names of our images that a Dockerfile refers to, in its order: the first is what it starts from."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    return list(dict.fromkeys(OURS + name for line in lines
                              if re.match(r"\s*(ARG|FROM|COPY)\b", line, re.I) or "from=" in line
                              for name in NAMED.findall(line)))


def images_by_name(folders):
    """Every image that the folders have or name: {name: Image}."""
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
    """The hosts that a Dockerfile names addresses of, each once."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    return list(dict.fromkeys(HOST.findall("\n".join(lines))))


def wanted_images(folders, ids, versions=True):
    """The names of the images that languages (or images) need, by their ids; of all, where none is named.

    versions False: of a language one image: its first that was proven where it was written, if it has one.
    """
    names, own = [], sorted(folder.id for folder in folders.values() if not folder.lent)
    for id_ in ids or own:
        if id_ not in folders:
            raise Problem(f"no language or image '{id_}'; there are: {' '.join(own)}")
        folder = folders[id_]
        proven = [image for image in folder.images() if image not in folder.unproven()]
        used = folder.images() if versions else (proven or folder.images())[:1]
        names += [OURS + id_] if folder.dockerfile is not None and OURS + id_ not in used else []
        names += used
    return list(dict.fromkeys(names))


def in_order(images, wanted):
    """The images wanted and those that they need, each after what it needs."""
    order, under_way = [], []

    def visit(name, by):
        image = images[name]
        if image in order:
            return
        if name in under_way:
            raise Problem(f"{name} starts from itself, by way of {' and '.join(under_way[under_way.index(name):])}")
        if image.folder is None and name.startswith(OURS):
            raise Problem(f"{by or name}: there is no folder '{name[len(OURS):]}' with a Dockerfile for {name}")
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
    """What an image is made of, as one word: the folder's files and the ids of the images that it starts from."""
    told = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        if str(name) in NO_SOURCE or "__pycache__" in name.parts:
            continue
        content = path.read_bytes()
        told.update(f"{name}\0{path.stat().st_mode & 0o111:o}\0{len(content)}\0".encode() + content)
    for need in needs:
        told.update(need.encode() + b"\0")
    return told.hexdigest()[:32]


FIRST = ("python", "javascript", "typescript", "java", "go", "rust", "cpp", "csharp", "ruby", "php", "sql", "bash", "c")


def ci_languages(folders):
    """The languages that every run of the tests checks: the first ones, and one of each image that is shared. An image
    that may be absent is none of them."""
    chosen = list(FIRST)
    used = {name for id_ in chosen if id_ in folders for name in folders[id_].images()}
    for name, users in shared_images(folders).items():
        if name not in used:
            chosen.append(users[0])
    return chosen


def shared_images(folders):
    """The images that are made for several languages, or that several run in: {name: [ids of languages]}."""
    images = images_by_name(folders)
    return {name: sorted(image.languages) for name, image in sorted(images.items())
            if image.folder is not None and image.languages and not image.optional
            and (image.folder.language is None or len(image.languages) > 1)}
