"""A reduction takes no more processes than its container has cores and memory for, whatever the node has."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from evalsvc.reduce.room import cpu_quota, memory_limit, processes_at_most

NO_LIMIT = "9223372036854771712"  # as cgroups 1 writes it


def groups(folder: Path, files: Mapping[str, str]) -> tuple[Path, Path]:
    """/sys/fs/cgroup and /proc/self/cgroup with these files in them."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder / "fs", folder / "own"


@pytest.mark.parametrize(
    ("files", "quota", "memory"),
    [
        ({}, None, None),
        ({"own": "0::/\n"}, None, None),
        ({"own": "0::/\n", "fs/cpu.max": "max 100000\n", "fs/memory.max": "max\n"}, None, None),
        ({"own": "0::/\n", "fs/cpu.max": "150000 100000\n", "fs/memory.max": "1073741824\n"}, 1.5, 1 << 30),
        ({"own": "0::/a/b\n", "fs/a/cpu.max": "200000 100000\n", "fs/a/b/cpu.max": "max 100000\n", "fs/a/b/memory.max": "5\n"}, 2.0, 5),
        ({"own": "0::/../other\n", "fs/memory.max": "7\n"}, None, 7),
        (
            {
                "own": "5:cpu,cpuacct:/kubepods/pod1\n4:memory:/kubepods/pod1\n",
                "fs/cpu/cpu.cfs_quota_us": "50000\n",
                "fs/cpu/cpu.cfs_period_us": "100000\n",
                "fs/memory/memory.limit_in_bytes": "536870912\n",
            },
            0.5,
            512 << 20,
        ),
        ({"own": "1:cpu:/\n", "fs/cpu/cpu.cfs_quota_us": "-1\n", "fs/cpu/cpu.cfs_period_us": "100000\n"}, None, None),
    ],
)
def test_the_limits_of_a_control_group_are_those_of_all_around_it(
    files: dict[str, str], quota: float | None, memory: int | None, tmp_path: Path
) -> None:
    cgroups, own = groups(tmp_path, files)
    assert (cpu_quota(cgroups, own), memory_limit(cgroups, own)) == (quota, memory)


def test_a_limit_that_is_none_bounds_nothing(tmp_path: Path) -> None:
    cgroups, own = groups(tmp_path, {"own": "4:memory:/\n", "fs/memory/memory.limit_in_bytes": NO_LIMIT})
    assert processes_at_most(64, quota=None, memory=memory_limit(cgroups, own)) == 64


def test_a_pod_of_one_gigabyte_on_a_large_node_reduces_with_few_processes() -> None:
    assert processes_at_most(64, quota=None, memory=1 << 30) == 4
    assert processes_at_most(64, quota=None, memory=128 << 20) == 1
