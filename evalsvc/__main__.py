"""`python -m evalsvc` is the command `evalsvc`."""

import sys

from evalsvc.errors import Stopped
from evalsvc.signals import end_by_signal, leave_with


def main() -> None:
    """The entry point. A scheduler may change its mind before the rest is imported."""
    if sys.argv[1:2] == ["run"]:
        leave_with(Stopped.exit_code)
    else:
        end_by_signal()
    from evalsvc.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
