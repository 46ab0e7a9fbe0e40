#!/usr/bin/env python3
"""Runs a notebook: notebook.py NOTEBOOK.ipynb [RESULT.ipynb]

The cells of code run one after another in a kernel, which keeps what they define. Their outputs are written into RESULT,
or into the notebook itself. It stops at the first cell that fails, as Jupyter does.
"""
import json
import sys
from pathlib import Path

from codecell import Client

SECONDS = 60  # for a cell


def text_of(lines):
    return lines if isinstance(lines, str) else "".join(lines)


def outputs_of(answer):
    """An answer as nbformat has it: what was printed, what was shown, the value or the error."""
    outputs = [{"output_type": "stream", "name": name, "text": text}
               for name, text in (("stdout", answer.stdout), ("stderr", "" if answer.error else answer.stderr)) if text]
    for data in answer.results:
        if answer.result is not None and data.get("text/plain") == answer.result:
            outputs.append({"output_type": "execute_result", "execution_count": answer.execution_count,
                            "data": data, "metadata": {}})
        else:
            outputs.append({"output_type": "display_data", "data": data, "metadata": {}})
    if answer.error:
        outputs.append({"output_type": "error", "ename": answer.error["name"], "evalue": answer.error["message"],
                        "traceback": answer.error["traceback"].splitlines()})
    return outputs


def run(notebook, session):
    """Fills in the outputs. False: a cell has failed."""
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code" or not text_of(cell["source"]).strip():
            continue
        answer = session.run_cell(text_of(cell["source"]), timeout=SECONDS)
        cell["outputs"], cell["execution_count"] = outputs_of(answer), answer.execution_count
        if not answer.ok:
            return False
    return True


def main(source, target):
    notebook = json.loads(Path(source).read_text(encoding="utf-8"))
    language = notebook["metadata"].get("language_info", {}).get("name", "python")
    with Client() as codecell, codecell.session(workspace=True, language=language) as session:
        good = run(notebook, session)
    Path(target).write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[-1]))
