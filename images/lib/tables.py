"""Tables: columns of text for a terminal; of the languages in README.md and docs/languages.md, from what a server tells
of them."""
import re

from folders import Problem

BEGIN, END = "<!-- languages: images/table writes this -->", "<!-- languages end -->"


def table(rows, right=()):
    """Rows of texts as lines, each column as wide as its widest; the last is not filled up."""
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
    """Rows of texts, the first their heads, as a table of Markdown."""
    heads, *others = rows
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in others]) + "\n"


def names_of(language):
    return " ".join(code(alias) for alias in language["aliases"])


def short_table(languages):
    """README's: id, name, versions, aliases."""
    rows = [("id", "name", "versions", "also known as")]
    for each in sorted(languages, key=lambda each: each["id"]):
        rows.append((code(each["id"]), each["name"], ", ".join(each["versions"]), names_of(each)))
    return markdown(rows)


def long_table(languages, folders):
    """The one of docs/languages.md: also what compiles, what is started ahead, and what is there beside it."""
    rows = [("id", "versions", "also known as", "program", "", "with")]
    for each in sorted(languages, key=lambda each: each["id"]):
        folder = folders.get(each["id"])
        waits = folder is not None and folder.language and folder.language.get("waiting")
        marks = " ".join(word for word, is_so in (("compiles", each["compiled"]), ("waits", waits)) if is_so)
        packages = ", ".join(f"{package['name']} {package['version']}" for package in each["packages"])
        rows.append((code(each["id"]), ", ".join(each["versions"]), names_of(each), code(each["file"]), marks,
                     packages))
    return markdown(rows)


def put_between(text, content):
    """The text with what stands between the marks replaced."""
    before, begin, rest = text.partition(BEGIN + "\n")
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise Problem(f"there is no part between '{BEGIN}' and '{END}'")
    return before + begin + content + end + after


def listed_names(text):
    """{id: [aliases]} of a table that stands between the marks of a text."""
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
    """The same for a terminal."""
    rows = [("id", "versions", "also known as")]
    rows += [(each["id"], ", ".join(each["versions"]), " ".join(each["aliases"]))
             for each in sorted(languages, key=lambda each: each["id"])]
    return "\n".join(table(rows))
