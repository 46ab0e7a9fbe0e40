"""Times into figures, figures into tables."""
import statistics


def figures(times):
    """Seconds in; milliseconds out."""
    ordered = sorted(1000 * each for each in times)

    def at(part):
        return ordered[min(int(part * len(ordered)), len(ordered) - 1)]
    return {"n": len(ordered), "p50": statistics.median(ordered), "p90": at(0.9), "p99": at(0.99)}


def text(value):
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.2f}"
    return str(value)


def table(title, columns, rows):
    """Prints rows (lists, the first cell a name) as a table of Markdown."""
    cells = [columns, *[[text(cell) for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]

    def line(row):
        return "| " + " | ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                                 for i, (cell, w) in enumerate(zip(row, widths))) + " |"
    print(f"\n### {title}\n")
    print(line(cells[0]))
    print("|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|")
    for row in cells[1:]:
        print(line(row))
    print(flush=True)
