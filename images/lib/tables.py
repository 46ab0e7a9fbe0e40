"""Makes tables: columns of text for a terminal, and the tables of languages and images in the documents."""
import re

from folders import OURS, Problem
from plan import held_by, without_one_owner

BEGIN, END = "<!-- languages: images/table writes this -->", "<!-- languages end -->"


def table(rows, right=()):
    """Rows of texts as lines. Each column is as wide as its widest text, except that the last is not filled up."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [text.rjust(width) if column in right else text.ljust(width)
                 for column, (text, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return lines


def code(text):
    return f"`{text}`"


def markdown(rows):
    """Rows of texts as a Markdown table; the first row has the heads."""
    heads, *others = rows
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in others]) + "\n"


def names_of(language):
    return " ".join(code(alias) for alias in language["aliases"])


def short_table(languages):
    """The table of README.md: id, name, versions, aliases."""
    rows = [("id", "name", "versions", "also known as")]
    for each in sorted(languages, key=lambda each: each["id"]):
        rows.append((code(each["id"]), each["name"], ", ".join(each["versions"]), names_of(each)))
    return markdown(rows)


def long_table(languages, folders):
    """The table of docs/languages.md, which also says what is compiled or prewarmed, and lists the packages."""
    rows = [("id", "versions", "also known as", "program", "", "with")]
    for each in sorted(languages, key=lambda each: each["id"]):
        folder = folders.get(each["id"])
        prewarmed = folder is not None and folder.language and folder.language.get("waiting")
        marks = " ".join(word for word, is_so in (("compiled", each["compiled"]), ("prewarmed", prewarmed)) if is_so)
        packages = ", ".join(f"{package['name']} {package['version']}" for package in each["packages"])
        rows.append((code(each["id"]), ", ".join(each["versions"]), names_of(each), code(each["file"]), marks,
                     packages))
    return markdown(rows)


def shared_table(folders):
    """The table of images/README.md: each image that no single language owns, what it holds, and what runs in it."""
    rows = [("image", "holds", "starts from", "languages")]
    for image in without_one_owner(folders):
        own = image.folder.language
        holds = f"the image of {own['name']}, which others use, too" if own else held_by(image).removesuffix(".")
        start = code(image.needs[0].removeprefix(OURS)) if image.needs else "Debian"
        rows.append((code(image.folder.id), holds, start, " ".join(code(id_) for id_ in sorted(image.languages))))
    return markdown(rows)


def put_between(text, content):
    """The text with `content` in place of what is between the marks."""
    before, begin, rest = text.partition(BEGIN + "\n")
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise Problem(f"the marks '{BEGIN}' and '{END}' are missing")
    return before + begin + content + end + after


def listed_names(text):
    """Reads the table between the marks of a text: {id: [aliases]}."""
    part = text.partition(BEGIN)[2].partition(END)[0]
    heads, found = None, {}
    for line in part.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if heads is None:
            heads = cells if cells[0] == "id" else None
        elif re.fullmatch(r"`[^`]+`", cells[0]):
            found[cells[0].strip("`")] = re.findall(r"`([^`]+)`", cells[heads.index("also known as")])
    return found


def plain(languages):
    """The ids, versions and aliases for a terminal."""
    rows = [("id", "versions", "also known as")]
    rows += [(each["id"], ", ".join(each["versions"]), " ".join(each["aliases"]))
             for each in sorted(languages, key=lambda each: each["id"])]
    return "\n".join(table(rows))
