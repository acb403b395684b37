"""What `run` and `plan` are given: a config, or data and flags in its place."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from evalsvc.cli.failing import remark
from evalsvc.cli.typed import typed
from evalsvc.config import load_config
from evalsvc.config.address import HIDDEN
from evalsvc.config.document import Document
from evalsvc.config.identity import differences
from evalsvc.config.load import configure
from evalsvc.config.secrets import redacted
from evalsvc.errors import UsageError
from evalsvc.journal.files import write_atomic
from evalsvc.pipeline import RunOptions, prepare
from evalsvc.pipeline.prepare import Prepared
from evalsvc.rundir import Manifest
from evalsvc.starting.direct import Direct, document, eval_yaml, is_config

EVAL_YAML = "eval.yaml"


def prepare_source(source: str, direct: Direct, options: RunOptions, overrides: Sequence[str]) -> Prepared:
    """Ready to run. For data, the eval.yaml that stands for the flags is written into the run directory, unless nothing is sent."""
    if is_config(source):
        if direct.flags:
            raise UsageError(
                f"{', '.join(direct.flags)}: such flags stand in place of a config, and {source} is one",
                hint="change the file, or override a key of it: --set model.name=…, --set dataset.input=…, --set prompt.system=…",
            )
        return prepare(load_config(Path(source), environ=os.environ, overrides=overrides), replace(options, config_file=Path(source)))
    written = document(source, direct, overrides)
    prepared = prepare(configure(written, base_dir=Path(), environ=os.environ), options)
    if not options.sends:
        return prepared
    return replace(prepared, options=replace(options, config_file=_write(written, prepared)))


def _write(written: Document, prepared: Prepared) -> Path:
    run_dir = prepared.run.path
    file = run_dir / EVAL_YAML
    if (old := Manifest.read(prepared.run)) is not None and differences(old.identity, prepared.identity):
        return file  # another measurement's, which is about to be refused
    prepared.run.create()
    text = eval_yaml(_without_secrets(written, prepared), run_dir=run_dir, base_url=prepared.base_url, command=_command())
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        write_atomic(file, text.encode())
        remark(f"this evaluation as a config: {file}")
    return file


def _without_secrets(written: Document, prepared: Prepared) -> Document:
    """What `--set` gave to secret-looking headers and parameters, or as the address of a webhook, goes into no file."""
    shown = redacted(prepared.config)
    values = {key: dict(written.values[key]) for key in ("model", "webhook") if written.values.get(key) is not None}
    for section, key in (("model", "headers"), ("model", "params"), ("webhook", "url")):
        if key in values.get(section, {}) and HIDDEN in str(shown[section][key]):
            values[section][key] = shown[section][key]
    return replace(written, values={**written.values, **values})


def _command() -> str:
    return typed(["evalsvc", *sys.argv[1:3]]) + " …"
