"""Numbers as people read them. None is an en dash: no data, never 0."""

import math

NOTHING = "–"


def count(number: int) -> str:
    """All digits, in groups of three.

    >>> count(5574), count(0)
    ('5,574', '0')
    """
    return f"{number:,}"


def some(number: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun.

    >>> some(1, "row"), some(5574, "row"), some(2, "retry", "retries")
    ('1 row', '5,574 rows', '2 retries')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def score(value: float | None, digits: int = 4) -> str:
    """A metric. Below 1, rounding never makes it perfect nor nothing: 0.99999 is not 1.0000.

    >>> score(0.98493), score(1.0), score(0.999999), score(0.0000001), score(-0.25), score(34.5678), score(1234.56), score(None)
    ('0.9849', '1.0000', '0.9999', '0.0001', '-0.2500', '34.568', '1,234.6', '–')
    >>> score(99.9999999999), score(12_345_678.9), score(2.5e104), score(-0.0)
    ('100.0', '1.235e+07', '2.5e+104', '0.0000')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    if size >= 1e7:
        return f"{value:.4g}"
    if size > 1:
        return f"{value:,.1f}" if size >= 99.9995 else f"{value:.3f}"
    step = 10.0**-digits
    if size == 0:
        value = 0.0  # and no minus
    if 0 < size < 1:
        value = math.copysign(min(max(size, step), 1 - step), value)
    return f"{value:.{digits}f}"


def interval(low: float | None, high: float | None, digits: int = 4) -> str:
    """A confidence interval; empty when there is none.

    >>> interval(0.921, 0.9449), interval(0.921, 0.9449, 3), interval(None, None)
    ('[0.9210, 0.9449]', '[0.921, 0.945]', '')
    """
    return "" if low is None or high is None else f"[{score(low, digits)}, {score(high, digits)}]"


def percent(part: int, whole: int) -> str:
    """A share. 100.0 % means all and 0.0 % means none, however many there are.

    >>> percent(3412, 5574), percent(199_999, 200_000), percent(1, 200_000), percent(5, 5), percent(0, 5), percent(0, 0)
    ('61.2 %', '99.9 %', '0.1 %', '100.0 %', '0.0 %', '–')
    """
    if whole <= 0:
        return NOTHING
    if 0 < part < whole:
        return f"{min(max(100 * part / whole, 0.1), 99.9):.1f} %"
    return f"{100 * part / whole:.1f} %"


def duration(seconds: float | None) -> str:
    """A time span, in two units at most.

    >>> duration(0.0421), duration(0.412), duration(4.2), duration(42), duration(200), duration(7500), duration(100_000), duration(None)
    ('42 ms', '0.41 s', '4.2 s', '42 s', '3 min 20 s', '2 h 05 min', '1 d 3 h', '–')
    >>> duration(59.7), duration(9.96), duration(3599.9), duration(0)
    ('1 min 00 s', '10 s', '1 h 00 min', '0 s')
    """
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if round(seconds) < 60:
        return _under_a_minute(seconds)
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def _under_a_minute(seconds: float) -> str:
    if seconds <= 0:
        return "0 s"
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"


def rate(rows_per_s: float) -> str:
    """Throughput in rows; per minute where a second is too short.

    >>> rate(8123.4), rate(81.23), rate(4.2), rate(0.05), rate(0)
    ('8,123 rows/s', '81 rows/s', '4.2 rows/s', '3.0 rows/min', '0 rows/s')
    """
    if rows_per_s <= 0:
        return "0 rows/s"
    if rows_per_s < 1:
        return f"{rows_per_s * 60:.1f} rows/min"
    return f"{rows_per_s:.1f} rows/s" if rows_per_s < 9.95 else f"{rows_per_s:,.0f} rows/s"


def usd(amount: float | None) -> str:
    """Money; two significant digits below a cent.

    >>> usd(0.314), usd(1204.5), usd(0.00123), usd(0.0), usd(None)
    ('$0.31', '$1,204.50', '$0.0012', '$0.00', '–')
    """
    if amount is None or not math.isfinite(amount):
        return NOTHING
    if 0 < amount < 0.00995:
        return f"${amount:.{1 - math.floor(math.log10(amount))}f}"
    return f"${amount:,.2f}"


def size(octets: int) -> str:
    """A file's size in decimal units.

    >>> size(950), size(1_234_567), size(12_300_000_000)
    ('950 B', '1.2 MB', '12.3 GB')
    """
    for unit, name in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if octets >= unit:
            return f"{octets / unit:.1f} {name}"
    return f"{octets} B"
