"""`python -m evalsvc.sandbox`: the server as a process of its own. Options are in settings.py."""

import sys
from collections.abc import Sequence

from evalsvc.sandbox.settings import settings_from


def main(argv: Sequence[str], *, prog: str = "python -m evalsvc.sandbox") -> int:
    """Serves as `argv` asks; 2 when it asks for what cannot be had, like argparse."""
    settings = settings_from(argv, prog=prog)
    # aiohttp takes a quarter of a second to import, and --help does not need it
    from evalsvc.sandbox.server import serve

    try:
        serve(settings)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{prog}: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
