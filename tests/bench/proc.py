"""What processes have used, as Linux counts it: CPU time and memory, of a process and all that it started."""

import os
from collections.abc import Iterator
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_UTIME, _CSTIME = 11, 14
"""Where user time stands among the fields after the name, and the system time of children that have ended."""


def children(pid: int) -> set[int]:
    """Return the processes that a process started and that still run."""
    found: set[int] = set()
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found.update(map(int, thread.read_text().split()))
        except FileNotFoundError:
            continue
    return found


def tree(pid: int) -> Iterator[int]:
    """Yield a process and all below it."""
    yield pid
    for child in children(pid):
        yield from tree(child)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process and all below it, those that have ended too."""
    return sum(_own_cpu_s(each) for each in tree(pid))


def _own_cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[_UTIME : _CSTIME + 1])) * _TICK_S


def own_cpu_s() -> float:
    """Return the CPU seconds of this process alone."""
    times = os.times()
    return times.user + times.system


def resident_mb(pid: int) -> float:
    """Return the memory, in MB, that a process and all below it keep to themselves."""
    return sum(_private_kb(each) for each in tree(pid)) / 1024


def _private_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
