"""What a process has used so far, seen from inside."""

import re
import resource
from pathlib import Path
from typing import Any

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def peak_mb(pid: int | str = "self") -> float | None:
    """Peak resident memory in MiB; None when the process is gone.

    Not ru_maxrss: a child inherits that of its parent at fork.
    """
    try:
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return None
    return int(found[1]) / 1024 if found else None


def used() -> dict[str, Any]:
    """CPU seconds of this process and of its ended children, and this process's peak memory."""
    return {
        "cpu_s": _cpu_s(resource.RUSAGE_SELF),
        "children_cpu_s": _cpu_s(resource.RUSAGE_CHILDREN),
        "peak_mb": peak_mb(),
    }


def _cpu_s(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime
