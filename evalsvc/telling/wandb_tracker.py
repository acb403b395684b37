"""An Entry -> a run in Weights & Biases, whose id is its key, so that telling twice makes no second one.

Where to is wandb's own business: WANDB_API_KEY, WANDB_ENTITY, WANDB_PROJECT, WANDB_MODE, WANDB_DIR …
"""

import re
from collections.abc import Mapping
from pathlib import Path

from evalsvc.telling.entry import Entry

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")
NAME_AT_MOST = 128


def tell(entry: Entry, environ: Mapping[str, str]) -> str:
    """Where the run is to be seen, or lies until it is synced. Raises whatever wandb raises."""
    import wandb

    run = wandb.init(
        project=environ.get("WANDB_PROJECT") or _NOT_IN_NAMES.sub("-", entry.name)[:NAME_AT_MOST],
        id=entry.key,
        name=entry.title,
        job_type="evaluation",
        resume="allow",
        config={**entry.params, **entry.tags},
        settings=wandb.Settings(silent=True, console="off", save_code=False, init_timeout=20, x_disable_stats=True),
    )
    run.summary.update(dict(entry.metrics))
    artifact = wandb.Artifact(_NOT_IN_NAMES.sub("-", f"{entry.title}-{entry.key[:8]}")[-NAME_AT_MOST:], type="evaluation")
    for path in entry.files:
        artifact.add_file(str(path))
    run.log_artifact(artifact)
    where = f"{Path(run.dir).parent}, for wandb sync" if run.offline else str(run.url)
    run.finish(exit_code=0 if entry.is_complete else 1)
    return where
