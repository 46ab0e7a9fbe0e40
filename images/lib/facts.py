"""The facts of an image, written on it as a label when it is built, so that no server has to run a container for them.

The label holds what the `version` and `packages` commands of the image's languages print. It also holds the layers and
variables of the image, because an image made from this one inherits the label. The server reads it.
"""
import json
from dataclasses import dataclass, field

from engine import run_locked
from folders import image_of, variants

LABEL = "io.codecell.facts"
LABEL_MAX = 60000  # bytes, because a line of a Dockerfile has at most 64 KiB; the server asks the rest in a cell


@dataclass(frozen=True)
class Question:
    """A command that a language runs in the image."""
    argv: tuple
    env: tuple  # pairs, in the order of their names
    limits: dict = field(default_factory=dict, compare=False)

    def ask(self, image):
        """What it prints; None if it fails. The server then asks again and reports why."""
        code, out, err = run_locked(image, list(self.argv), dict(self.env), self.limits)
        return out + err if code == 0 else None


def questions_of(language):
    """Yields (image, question) for each command of each version of a language."""
    for variant in variants(language):
        env = tuple(sorted((variant.get("environment") or {}).items()))
        for name in ("version", "packages"):
            if variant.get(name):
                yield (image_of(variant, language["id"]),
                       Question(tuple(variant[name]["argv"]), env, variant.get("limits") or {}))


def identity(inspected):
    """The parts of an inspected image that decide what its commands print."""
    return {"layers": (inspected.get("RootFS") or {}).get("Layers") or [], "env": inspected["Config"].get("Env") or []}


def labels_of(inspected):
    return inspected["Config"].get("Labels") or {}


def answers_on(labelled, image):
    """The answers in the label of one inspected image that are true for another, often the same: {question: output}."""
    try:
        label = json.loads(labels_of(labelled).get(LABEL, "{}"))
        if {name: label[name] for name in ("layers", "env")} != identity(image):
            return {}
        return {Question(tuple(each["argv"]), tuple(sorted(each["env"].items()))): each["output"]
                for each in label["answers"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def label_text(image, answers, wanted):
    """The label's text for an inspected image; "" if there is no answer.

    The answers to `wanted` come first. Then come others, which another folder of languages wanted, as far as they fit.
    """
    order = [each for each in dict.fromkeys(wanted) if each in answers]
    order += sorted((each for each in answers if each not in order), key=lambda each: (each.argv, each.env))
    entries, text = [], ""
    for question in order:
        entries.append({"argv": question.argv, "env": dict(question.env), "output": answers[question]})
        longer = plain(json.dumps({**identity(image), "answers": entries}, separators=(",", ":")))
        if len(longer) > LABEL_MAX:
            entries.pop()
        else:
            text = longer
    return text


def plain(text):
    """JSON without the characters that have a meaning inside a Dockerfile's quotes."""
    return text.replace("'", "\\u0027").replace("$", "\\u0024")


def dockerfile(base, labels):
    """The Dockerfile of an image that only adds labels to `base`. The values must be plain()."""
    return f"FROM {base}\nLABEL " + " \\\n".join(f"{name}='{value}'" for name, value in labels.items()) + "\n"
