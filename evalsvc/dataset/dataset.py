"""The data set as the rest of the house sees it."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalsvc.config.models import DatasetConfig
from evalsvc.dataset.columns import Columns, columns_of
from evalsvc.dataset.condition import compile_condition
from evalsvc.dataset.formats import HEADED, find_format
from evalsvc.dataset.layout import Layout
from evalsvc.dataset.locate import common_format, find_files
from evalsvc.dataset.place import Url
from evalsvc.dataset.run_rows import open_runs
from evalsvc.dataset.runs import Run, runs_of
from evalsvc.dataset.samples import read_samples
from evalsvc.dataset.survey import Survey, take_survey
from evalsvc.errors import UsageError
from evalsvc.records import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Files that were found, nothing read yet."""

    layout: Layout

    def survey(self, *, with_targets: bool = False) -> Survey:
        """The first pass: every row parsed and checked, 16 bytes kept of each (24 with targets).

        UsageError, with file and line, for whatever is wrong with a row; for duplicate ids; and for a data set without rows.
        """
        return take_survey(self.layout, with_targets=with_targets)

    @property
    def is_remote(self) -> bool:
        """Whether a file of it is behind a URL, so that samples may be long in coming: `Ahead` reads them in a thread."""
        return any(isinstance(file, Url) for file in self.layout.files)

    def samples(self, survey: Survey, *, skip: bytes | bytearray | memoryview | None = None) -> Generator[Sample, None, None]:
        """The second pass: the samples in file order, those with a non-zero `skip[ordinal]` left out, nearly for free.

        `survey` is that of the same data set: its ids are these. UsageError when the files changed since. The file is closed
        when the generator is exhausted or closed.
        """
        return read_samples(self.layout, survey, skip)


def open_dataset(config: DatasetConfig, base_dir: Path, *, sends_input: bool = False) -> Dataset:
    """Find the files that `config` names, relative to `base_dir`; UsageError when they cannot be read as such.

    A run is a data set too: its answers are the rows, as run_rows.py has them.

    With `sends_input` a row whose input is null is refused, because no template stands between it and the model.
    """
    if runs := runs_of(config, base_dir):
        return Dataset(layout=_layout_of_runs(config, base_dir, runs))
    files = find_files(config.path, base_dir)
    name = config.format or common_format(files)
    if config.columns is not None and name not in HEADED:
        raise UsageError("`dataset.columns` is for CSV and TSV files; others name their columns themselves", hint="Remove it.")
    layout = Layout(
        files=files,
        format=find_format(name, base_dir),
        columns=replace(_columns(config), sends_input=sends_input),
        header=config.columns,
        limit=config.limit,
        where=None if config.where is None else compile_condition(config.where),
        subsample=config.subsample,
    )
    return Dataset(layout=layout)


def _layout_of_runs(config: DatasetConfig, base_dir: Path, runs: Sequence[Run]) -> Layout:
    opened = open_runs(config, base_dir, runs, open_dataset)
    return Layout(
        files=opened.files,
        format=opened.rows,
        columns=replace(_columns(config), id="id"),
        header=None,
        limit=config.limit,
        where=None if config.where is None else compile_condition(config.where),
        subsample=config.subsample,
        notes=opened.rows.notes,
    )


def _columns(config: DatasetConfig) -> Columns:
    return columns_of(
        input=config.input,
        target=config.target,
        id=config.id,
        messages=config.messages,
        group=config.group,
        stratify=config.subsample.stratify if config.subsample is not None else None,
    )
