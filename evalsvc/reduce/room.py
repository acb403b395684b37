"""How many processes may reduce at a time: as many as there are cores to use, and no more than a container's memory holds.

A container sees all cores of its node. With a process for each of 64 of them a pod of 1 GB would be killed for its memory, at the
last step of the night, and each of its successors too.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

# A process of a part has 42 MB when it is loaded and some more for what it sums; the run and its reducer have up to 300 MB besides.
_A_PROCESS_BYTES = 256 << 20
_CGROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def processes_at_most(cores: int, *, quota: float | None, memory: int | None) -> int:
    """`quota` is in cores, `memory` in bytes; None where there is no limit.

    >>> processes_at_most(64, quota=None, memory=1 << 30), processes_at_most(64, quota=1.5, memory=8 << 30)
    (4, 2)
    >>> processes_at_most(2, quota=None, memory=None), processes_at_most(2, quota=0.1, memory=64 << 20)
    (2, 1)
    """
    by_quota = cores if quota is None else math.ceil(quota)
    by_memory = cores if memory is None else memory // _A_PROCESS_BYTES
    return max(1, min(cores, by_quota, by_memory))


def processes_here() -> int:
    """For this process, by its affinity and its control groups."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return processes_at_most(cores, quota=cpu_quota(), memory=memory_limit())


def cpu_quota(cgroups: Path = _CGROUPS, own: Path = _OWN) -> float | None:
    """The least of those that this process and the groups around it have, in cores; cgroups 2 and 1."""
    unified = (_share(*_words(folder / "cpu.max")) for folder in _groups(cgroups, own, ""))
    first = (_share(*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")) for folder in _groups(cgroups, own, "cpu"))
    return min((quota for quota in (*unified, *first) if quota is not None), default=None)


def memory_limit(cgroups: Path = _CGROUPS, own: Path = _OWN) -> int | None:
    """Likewise, in bytes."""
    unified = (_words(folder / "memory.max") for folder in _groups(cgroups, own, ""))
    first = (_words(folder / "memory.limit_in_bytes") for folder in _groups(cgroups, own, "memory"))
    return min((int(words[0]) for words in (*unified, *first) if words and words[0].isdigit()), default=None)


def _groups(cgroups: Path, own: Path, controller: str) -> Iterator[Path]:
    """The folder of this process's group, and those around it: in a container the outermost is its own. "" means cgroups 2."""
    for line in _lines(own):
        number, controllers, path = line.split(":", 2)
        if controller in controllers.split(",") and (controller or number == "0"):
            root = cgroups / controller
            group = root / path.strip("/")
            yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(root))


def _share(quota: str = "max", period: str = "100000") -> float | None:
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) else None


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
