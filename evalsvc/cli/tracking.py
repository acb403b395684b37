"""Experiment trackers, for the commands that make a run's numbers without asking anybody."""

import asyncio
import os
import sys
from pathlib import Path

from evalsvc.config.dotenv import read_dotenv
from evalsvc.rundir import Manifest, RunDir


def tell_of(run: RunDir) -> None:
    """As the run's config says. To be called by the holder of its lock."""
    from evalsvc.pipeline.stop import StopSwitch
    from evalsvc.pipeline.tracking import tell_trackers

    manifest = Manifest.read(run)
    trackers = () if manifest is None else manifest.config.get("report_to", ())
    if manifest is None or not trackers:
        return

    async def tell() -> None:
        environ = {**read_dotenv(Path(manifest.base_dir) / ".env"), **os.environ}
        await tell_trackers(run, trackers, environ, note=lambda text: print(f"note: {text}", file=sys.stderr), stop=StopSwitch())

    asyncio.run(tell())
