"""How many requests can be in flight at once before the operating system says no.

One request in flight is one connection is one open file; everything else, the numbers' process and name look-ups included, has been
seen to need 30.
"""

import resource

SPARE_FILES, LEAST_SPARE_FILES = 64, 40


def concurrency_ceiling(asked: int, *, soft_limit: int) -> int:
    """min(asked, soft_limit - SPARE_FILES), but at least 1; of a limit that is very low, fewer are spared. Below 0 it is unlimited.

    >>> concurrency_ceiling(4000, soft_limit=1024), concurrency_ceiling(100, soft_limit=1024), concurrency_ceiling(10, soft_limit=-1)
    (960, 100, 10)
    >>> concurrency_ceiling(4000, soft_limit=100), concurrency_ceiling(4000, soft_limit=64), concurrency_ceiling(4000, soft_limit=20)
    (50, 24, 1)
    """
    if soft_limit < 0:
        return asked
    spare = max(LEAST_SPARE_FILES, min(SPARE_FILES, soft_limit // 2))
    return max(1, min(asked, soft_limit - spare))


def raise_open_files(wanted: int) -> int:
    """Raises this process's soft limit of open files to `wanted` as far as the hard limit allows; gives the soft limit now in force.

    Never lowers it. -1 means unlimited.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
    except (ValueError, OSError):
        return soft  # some systems cap it below the hard limit they report
    return target
