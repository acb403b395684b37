"""Parquet, batch by batch, each value as JSON would have it, so that a row has one hash whatever file it came from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

from evalsvc.dataset.ahead import Ahead
from evalsvc.dataset.compression import COMPRESSIONS
from evalsvc.dataset.place import Place, Url, pure
from evalsvc.dataset.reader import RowNumber
from evalsvc.dataset.source import Source
from evalsvc.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

BATCH_ROWS = 1024
BATCHES_AHEAD = 2
COLUMN_BUFFER_BYTES = 1 << 20


@dataclass(slots=True, kw_only=True)
class Batch:
    """Some rows, made Python objects of once one of them is wanted."""

    path: Place
    first: int  # the number of its first row, from 1
    arrow: "pa.RecordBatch"
    rows: list[dict[str, Any]] | None = field(default=None, init=False)

    def row(self, number: int) -> dict[str, Any]:
        if self.rows is None:
            names = self.arrow.schema.names
            columns = [self._values(name, column) for name, column in zip(names, self.arrow.columns, strict=True)]
            self.rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
        return self.rows[number - self.first]

    def _values(self, name: str, column: "pa.Array[Any]") -> list[Any]:
        import pyarrow as pa

        wanted = readable(column.type)
        values: list[Any] = (column if wanted == column.type else column.cast(wanted)).to_pylist()
        if pa.types.is_floating(wanted) or pa.types.is_nested(wanted):
            return [self._as_json(value, name, number) for number, value in enumerate(values, self.first)]
        return values

    def _as_json(self, value: Any, name: str, number: int) -> Any:
        if isinstance(value, float):
            return self._number(value, name, number)
        if isinstance(value, dict):
            return {key: self._as_json(inner, name, number) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._as_json(inner, name, number) for inner in value]
        return value

    def _number(self, value: float, name: str, number: int) -> float | None:
        """NaN is how data frames write that there is nothing."""
        if isfinite(value):
            return value
        if value != value:  # noqa: PLR0124 - NaN
            return None
        raise UsageError(
            f"{self.path}:row {number}: the column {name!r} holds {value}, which JSON cannot carry", hint="Write null in its place."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parquet:
    """The rows of a Parquet file; what stands for a line is the number of the row."""

    path: Place
    columns: Sequence[str]
    batches: Iterator["pa.RecordBatch"]

    @property
    def raws(self) -> Iterator[tuple[int, Batch]]:
        number = 1
        for arrow in self.batches:
            batch = Batch(path=self.path, first=number, arrow=arrow)
            for _ in range(arrow.num_rows):
                yield RowNumber(number), batch
                number += 1

    def parse(self, line: int, raw: Batch, /) -> dict[str, Any]:
        return raw.row(line)


def open_parquet(source: Source) -> Parquet:
    """UsageError when pyarrow is not installed, the file is not Parquet, or a column holds what JSON has no word for.

    Pages are decoded as they are needed, 1 MB of each column at a time. From a URL, two batches are made ready ahead in a thread.
    """
    if pure(source.path).suffix.lower() in COMPRESSIONS:
        raise UsageError(f"{source.path}: Parquet is compressed inside and has to be sought in", hint="Unpack the file.")
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise UsageError(f"{source.path}: Parquet needs the extra 'parquet'", hint="pip install 'evalsvc[parquet]'") from error
    try:
        file = ParquetFile(source.reopen(), buffer_size=COLUMN_BUFFER_BYTES)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UsageError(f"{source.path}: not a Parquet file: {_said(error)}", hint="Write it again, or copy it again.") from error
    names = _names(source.path, file.schema_arrow)
    batches = _batches(source.path, file)
    ahead = Ahead(batches, depth=BATCHES_AHEAD) if isinstance(source.path, Url) else None
    if ahead is not None:
        source.close_with(ahead.close)
    return Parquet(path=source.path, columns=names, batches=ahead or batches)


def _names(path: Place, schema: "pa.Schema") -> list[str]:
    for name, kind in zip(schema.names, schema.types, strict=True):
        if schema.names.count(name) > 1:
            raise UsageError(f"{path}: the column {name!r} is named twice", hint="Give every column a name of its own.")
        try:
            readable(kind)
        except TypeError as error:
            raise UsageError(
                f"{path}: the column {name!r} is of the type {kind}, and {error} has no spelling in JSON",
                hint="Write the file without that column, or with text in it.",
            ) from error
    return list(schema.names)


def _batches(path: Place, file: "ParquetFile") -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa

    try:
        yield from file.iter_batches(BATCH_ROWS, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UsageError(f"{path}: the Parquet file is damaged or cut: {_said(error)}", hint="Copy or write it again.") from error


def _said(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


def readable(kind: "pa.DataType") -> "pa.DataType":
    """The type as JSON has it: moments, dates and decimals as text; TypeError for bytes and other things without a spelling."""
    import pyarrow as pa

    types = pa.types
    plain = (types.is_boolean, types.is_integer, types.is_floating, types.is_string, types.is_large_string, types.is_null)
    if any(knows(kind) for knows in plain):
        return kind
    if types.is_string_view(kind) or types.is_date(kind) or types.is_time(kind) or types.is_timestamp(kind) or types.is_decimal(kind):
        return pa.string()
    if types.is_dictionary(kind):
        return readable(kind.value_type)
    if types.is_struct(kind):
        return pa.struct([kind.field(index).with_type(readable(kind.field(index).type)) for index in range(kind.num_fields)])
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return pa.list_(readable(kind.value_type))
    raise TypeError(str(kind))
