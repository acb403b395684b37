"""`evalsvc prune`."""

import os
import sys
import time

from evalsvc.cli.failing import guarded


def prune_command(name: str | None, *, keep: int | None, days: float | None, partial: bool, yes: bool, json: bool) -> int:
    """0, whether or not there was anything to delete."""
    from evalsvc.jsonio import dumps
    from evalsvc.pipeline.launch import holder
    from evalsvc.pipeline.pruning import Rule, prune
    from evalsvc.report.pruned import print_pruning, pruning_json
    from evalsvc.report.streams import write_out

    def work() -> int:
        rule = Rule(keep=keep, days=days, partial=partial)
        pruning = prune(rule, name=name, now_s=time.time(), holder=holder(), yes=yes)
        if json:
            write_out(sys.stdout, dumps(pruning_json(pruning)) + b"\n")
        else:
            print_pruning(pruning, stdout=sys.stdout, environ=os.environ)
        return 0

    return guarded(work)
