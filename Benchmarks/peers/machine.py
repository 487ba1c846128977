"""The machine, and whether it is left alone."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Iterable
from pathlib import Path


def processor() -> str:
    """The processor's name."""
    return _first("model name") or platform.machine()


def processor_model() -> str:
    """Maker, family, model and stepping, "AuthenticAMD 25-17-1": clouds give several processors one name."""
    numbers = "-".join(map(_first, ["cpu family", "model", "stepping"])).strip("-")
    return f"{_first('vendor_id')} {numbers}".strip()


def _first(field: str) -> str:
    """What /proc/cpuinfo says of the first processor; empty where it says nothing."""
    lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    return next((value.strip() for name, _, value in lines if name.strip() == field), "")


def short_name(processor: str) -> str:
    """A processor's name as part of a file's: "Intel(R) Xeon(R) Processor @ 2.50GHz" becomes "intel-xeon"."""
    words = re.sub(r"\((R|TM)\)|\b(Processor|CPU)\b|@.*", " ", processor, flags=re.IGNORECASE)
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# The part of the cores' time that others may have without a measurement being taken again.
LITTLE = 0.05


def wait_for_peace(seconds: float) -> None:
    """Waits until others leave the cores alone, for `seconds` at most."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        others = OtherWork()
        time.sleep(min(1, seconds))
        if others.share() <= LITTLE:
            return


class OtherWork:
    """The time that the allowed cores spend on anything but this program and the processes `known`, from now on."""

    def __init__(self, known: Iterable[int] = ()) -> None:
        self._known = list(known)
        self._cpus = {f"cpu{number}" for number in os.sched_getaffinity(0)}
        self._busy, self._own, self._start = self._busy_seconds(), self._own_seconds(), time.monotonic()

    def share(self) -> float:
        """As a part of all the cores' time so far."""
        busy = self._busy_seconds() - self._busy
        own = self._own_seconds() - self._own
        return max(0.0, busy - own) / ((time.monotonic() - self._start) * len(self._cpus))

    def _busy_seconds(self) -> float:
        """All but idle and iowait, stolen time included: proc(5), /proc/stat."""
        ticks = 0
        for line in Path("/proc/stat").read_text().splitlines():
            name, *columns = line.split()
            if name in self._cpus:
                user, nice, system, _, _, irq, softirq, steal, *_ = map(int, columns)
                ticks += user + nice + system + irq + softirq + steal
        return ticks / TICKS_PER_SECOND

    def _own_seconds(self) -> float:
        return sum(os.times()[:2]) + sum(map(_process_seconds, self._known))


def _process_seconds(process: int) -> float:
    """The processor time that a process has had: proc(5), /proc/PID/stat."""
    # The second field is the program's name in parentheses, which may hold anything.
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
