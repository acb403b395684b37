"""The part of the table of outcomes that every scorer shares: what is decided before a reply's text is looked at."""

from evalsvc.records import Outcome, Record

CONTENT_FILTER = "content_filter"
CUT = "length"


def outcome_before_reading(record: Record) -> Outcome | None:
    """The outcome of a record whose text does not matter, None when it does."""
    error, reply = record.error, record.reply
    if (error is not None and error.kind == CONTENT_FILTER) or (reply is not None and reply.finish_reason == CONTENT_FILTER):
        return Outcome.FILTERED
    if error is not None or reply is None:
        return Outcome.ERROR
    return Outcome.REFUSED if reply.refusal else None


def is_cut(record: Record) -> bool:
    return record.reply is not None and record.reply.finish_reason == CUT
