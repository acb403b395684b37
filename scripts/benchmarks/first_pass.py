"""The first pass over a data set, alone. Its seconds are those of the processor: it is one thread, its file in memory.

usage: python -m benchmarks.first_pass REPORT CONFIG
"""

import os
import sys
import time
from pathlib import Path

import orjson

from benchmarks.usage import used
from evalsvc.config import load_config
from evalsvc.dataset import open_dataset


def main() -> None:
    report, config_file = map(Path, sys.argv[1:])
    config = load_config(config_file, environ=os.environ).config
    dataset = open_dataset(config.dataset, config.base_dir)
    began_at = time.process_time()
    rows = dataset.survey().rows
    seconds = time.process_time() - began_at
    report.write_bytes(orjson.dumps({**used(), "rows": rows, "seconds": seconds}))


if __name__ == "__main__":
    main()
