"""The command line as it is, with what it used written down at its end.

usage: python -m benchmarks.watched REPORT [evalsvc's arguments …]
"""

import json
import sys
from pathlib import Path

from benchmarks.usage import used
from evalsvc.cli import main as evalsvc


def main() -> None:
    report = Path(sys.argv[1])
    sys.argv = ["evalsvc", *sys.argv[2:]]
    try:
        evalsvc()
    finally:
        report.write_text(json.dumps(used()))


if __name__ == "__main__":
    main()
