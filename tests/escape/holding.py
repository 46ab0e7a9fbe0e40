"""Programs that run until the test lets them end."""
import contextlib
from pathlib import Path

from codecell import host_pids

MARK = "/tmp/holding"  # in the program's cell

# In Python: holds until the test has removed the mark.
HOLD = f"""
import os, time
open({MARK!r}, "w").close()
while os.path.exists({MARK!r}): time.sleep(0.01)
"""


def holding(server):
    """The mark of each program that holds, as /proc/PROCESS/root/tmp/holding of the host."""
    found = []
    for number in (number for cell in server.containers(running=True) for number in host_pids(cell["id"])):
        mark = Path(f"/proc/{number}/root{MARK}")
        with contextlib.suppress(OSError):  # the process is gone
            if b"main.py" in Path(f"/proc/{number}/cmdline").read_bytes() and mark.exists():
                found.append(mark)
    return found
