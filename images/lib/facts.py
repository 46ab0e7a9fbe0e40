"""What an image says of itself, written on it when it is built: then no server has to ask it in a container.

The label holds what each command printed, and of which image that is true (its layers and its variables, for an image
made from this one has the label too). server/languages/image_label.h reads it.
"""
import json
from dataclasses import dataclass, field

from engine import run_locked
from folders import image_of, variants

LABEL = "io.codecell.facts"
LABEL_MAX = 60000  # bytes, for a line of a Dockerfile has at most 64 KiB; the server asks what does not fit


@dataclass(frozen=True)
class Question:
    """A command, as a language of the image's has it."""
    argv: tuple
    env: tuple  # pairs, in the order of their names
    limits: dict = field(default_factory=dict, compare=False)

    def ask(self, image):
        """What it prints there; None where it fails: then the server says why when it asks."""
        code, out, err = run_locked(image, list(self.argv), dict(self.env), self.limits)
        return out + err if code == 0 else None


def questions_of(language):
    """(image, question) of each version of a language."""
    for variant in variants(language):
        env = tuple(sorted((variant.get("environment") or {}).items()))
        for name in ("version", "packages"):
            if variant.get(name):
                yield (image_of(variant, language["id"]),
                       Question(tuple(variant[name]["argv"]), env, variant.get("limits") or {}))


def identity(told):
    """Of an inspected image: what makes its commands print what they print."""
    return {"layers": (told.get("RootFS") or {}).get("Layers") or [], "env": told["Config"].get("Env") or []}


def labels_of(told):
    return told["Config"].get("Labels") or {}


def answers_on(told, image):
    """The answers that the label of one inspected image gives for another (most often the same): {question: output}."""
    try:
        label = json.loads(labels_of(told).get(LABEL, "{}"))
        if {name: label[name] for name in ("layers", "env")} != identity(image):
            return {}
        return {Question(tuple(each["argv"]), tuple(sorted(each["env"].items()))): each["output"]
                for each in label["answers"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def label_text(image, answers, wanted):
    """The label's text for an inspected image; "": it has nothing to say.

    What is wanted goes first; then, as far as it fits, what another folder of languages wanted.
    """
    order = [each for each in dict.fromkeys(wanted) if each in answers]
    order += sorted((each for each in answers if each not in order), key=lambda each: (each.argv, each.env))
    told, text = [], ""
    for question in order:
        told.append({"argv": question.argv, "env": dict(question.env), "output": answers[question]})
        longer = plain(json.dumps({**identity(image), "answers": told}, separators=(",", ":")))
        if len(longer) > LABEL_MAX:
            told.pop()
        else:
            text = longer
    return text


def plain(text):
    """JSON without what means something in a Dockerfile's quotes."""
    return text.replace("'", "\\u0027").replace("$", "\\u0024")


def dockerfile(base, labels):
    """The Dockerfile of an image that has more labels than another, and nothing else. The values are plain."""
    return f"FROM {base}\nLABEL " + " \\\n".join(f"{name}='{value}'" for name, value in labels.items()) + "\n"
