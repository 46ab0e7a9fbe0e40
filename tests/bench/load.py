"""How busy the machine is, and a rest between two measurements."""
import time
from pathlib import Path

LEAST, MOST = 1.0, 15.0  # seconds of a rest
QUIET = 0.12             # a part of the processors' time, at which a rest is over
LOOK = 0.5               # seconds


def processor_seconds():
    """(busy, all) of all processors since the start of the machine, in ticks."""
    ticks = [int(each) for each in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def busy(seconds):
    """The part of the processors' time that is used within the next seconds."""
    before = processor_seconds()
    time.sleep(seconds)
    used, total = (after - first for after, first in zip(processor_seconds(), before))
    return used / max(total, 1)


def rest():
    """Waits until the last measurement is cleaned up and the machine is quiet; how busy it was at the end."""
    start = time.monotonic()
    time.sleep(LEAST)
    while (used := busy(LOOK)) > QUIET and time.monotonic() - start < MOST:
        pass
    return used
