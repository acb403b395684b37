"""The data set as the rest of the house sees it."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from evalsvc.config.models import DatasetConfig
from evalsvc.dataset.columns import columns_of
from evalsvc.dataset.layout import Layout
from evalsvc.dataset.locate import common_format, find_files
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

    def samples(self, survey: Survey, *, skip: bytes | bytearray | memoryview | None = None) -> Generator[Sample, None, None]:
        """The second pass: the samples in file order, those with a non-zero `skip[ordinal]` left out, nearly for free.

        `survey` is that of the same data set: its ids are these. UsageError when the files changed since. The file is closed
        when the generator is exhausted or closed.
        """
        return read_samples(self.layout, survey, skip)


def open_dataset(config: DatasetConfig, base_dir: Path) -> Dataset:
    """Find the files that `config` names, relative to `base_dir`; UsageError or NotAvailableYet when they cannot be read as such."""
    files = find_files(config.path, base_dir)
    name = config.format or common_format(files)
    if config.columns is not None and name == "jsonl":
        raise UsageError("`dataset.columns` is for CSV and TSV files; JSON Lines name their columns in every row", hint="Remove it.")
    columns = columns_of(input=config.input, target=config.target, id=config.id)
    return Dataset(layout=Layout(files=files, format=name, columns=columns, header=config.columns, limit=config.limit))
