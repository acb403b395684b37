from dataclasses import replace
from math import inf, nan
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc import jsonio
from evalsvc.errors import UsageError
from evalsvc.journal import DamagedLine, decode, encode
from evalsvc.records import Record, Reply, RowError, Usage
from tests.journal.cases import AT, answered, failed

OK_KEYS = (
    "v id repeat row key status target messages output finish_reason refusal reasoning tool_calls tokens usage model request_id"
    " attempts latency_s ttft_s waited_s at c"
)
ERROR_KEYS = "v id repeat row key status target messages error attempts waited_s at c"

# any code point, lone surrogates, NUL and U+2028 among them; a high and a low surrogate in a row are one character in JSON
texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=30).map(
    lambda text: text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
tokens = st.lists(st.fixed_dictionaries({"t": texts, "lp": st.floats(-9, 0), "top": st.just([])}), max_size=3)
replies = st.builds(
    Reply,
    output=st.none() | texts,
    finish_reason=st.none() | texts,
    usage=st.none() | st.builds(Usage, input=st.integers(0, 2**40), output=st.integers(0, 2**40)),
    latency_s=st.integers(0, 10**9).map(lambda micros: round(micros / 1e6, 6)),
    refusal=st.none() | texts,
    reasoning=st.none() | texts,
    tool_calls=st.none() | st.lists(json_values, max_size=2),
    tokens=st.none() | tokens,
    model=st.none() | texts,
    request_id=st.none() | texts,
    ttft_s=st.none() | st.just(0.125),
    itl_s=st.none() | st.just(0.0625),
    prompt_tokens=st.none() | tokens,
)
errors = st.builds(RowError, kind=texts, http=st.none() | st.integers(100, 599), code=st.none() | texts, message=texts)


@st.composite
def records(draw: st.DrawFn) -> Record:
    reply = draw(st.none() | replies)
    return Record(
        id=draw(texts),
        repeat=draw(st.integers(0, 99)),
        row_hash=draw(st.binary(min_size=8, max_size=8)),
        key=draw(st.binary(min_size=16, max_size=16)).hex(),
        target=draw(st.none() | texts),
        messages=draw(st.none() | st.lists(json_values, max_size=2).map(jsonio.dumps)),
        reply=reply,
        error=draw(errors) if reply is None else None,
        attempts=draw(st.integers(1, 50)),
        waited_s=draw(st.integers(0, 10**6)) / 1000,
        at=AT,
    )


@settings(deadline=None)
@given(records())
def test_any_record_comes_back_as_it_went_in(record: Record) -> None:
    line = encode(record)
    assert line.count(b"\n") == 1
    assert decode(line) == record


@settings(deadline=None)
@given(records())
def test_a_line_is_strict_utf8_json(record: Record) -> None:
    line = encode(record)
    line.decode()
    jsonio.loads(line)


@pytest.mark.parametrize(("record", "keys"), [(answered(), OK_KEYS), (failed(), ERROR_KEYS)])
def test_keys_stand_in_the_order_of_the_format(record: Record, keys: str) -> None:
    assert list(jsonio.loads(encode(record))) == keys.split()


def test_a_line_reads_as_documented() -> None:
    assert jsonio.loads(encode(answered())) == {
        "v": 1,
        "id": "42",
        "repeat": 0,
        "row": "0011223344556677",
        "key": "0123456789abcdef" * 2,
        "status": "ok",
        "target": "spam",
        "messages": [{"role": "user", "content": "is this spam?"}],
        "output": "spam",
        "finish_reason": "stop",
        "refusal": None,
        "reasoning": None,
        "tool_calls": None,
        "tokens": None,
        "usage": {"input": 31, "output": 1, "cached": 0, "reasoning": 0},
        "model": "served",
        "request_id": "req_1",
        "attempts": 2,
        "latency_s": 0.412,
        "ttft_s": None,
        "waited_s": 0.02,
        "at": AT,
        "c": jsonio.loads(encode(answered()))["c"],
    }


def test_what_only_some_apis_tell_is_written_only_where_it_was_told() -> None:
    scored = [{"t": "to", "lp": None, "top": []}, {"t": " be", "lp": -1.5, "top": [[" be", -1.5]]}]
    reply = replace(answered().reply, ttft_s=0.25, itl_s=0.0123456789, prompt_tokens=scored)  # type: ignore[type-var]
    fields = jsonio.loads(encode(answered(reply=reply)))
    assert list(fields) == OK_KEYS.replace("tokens usage", "tokens prompt_tokens usage").replace("ttft_s", "ttft_s itl_s").split()
    assert (fields["itl_s"], fields["prompt_tokens"]) == (0.012346, scored)


def test_a_line_of_before_streams_reads_and_writes_as_ever() -> None:
    line = encode(answered())
    assert b"itl_s" not in line
    assert b"prompt_tokens" not in line
    assert encode(decode(line)) == line


def test_the_checksum_covers_every_byte_before_its_comma() -> None:
    body, checksum = encode(answered(output='x,"c":"00000000"}')).removesuffix(b'"}\n').rsplit(b',"c":"', 1)
    assert int(checksum, 16) == crc32(body)


def test_a_flipped_bit_anywhere_in_a_line_is_found() -> None:
    line = encode(failed())[:-1]
    for at in range(len(line)):
        for bit in range(8):
            flipped = bytes((*line[:at], line[at] ^ 1 << bit, *line[at + 1 :]))
            with pytest.raises(DamagedLine):
                decode(flipped)


def test_a_line_cut_anywhere_is_found() -> None:
    line = encode(answered())[:-1]
    for end in range(len(line)):
        with pytest.raises(DamagedLine):
            decode(line[:end])


@pytest.mark.parametrize("output", ["spam", "\ud800"], ids=["usual text", "text that orjson refuses"])
def test_numbers_that_are_not_json_become_null(output: str) -> None:
    reply = replace(answered(output=output).reply, output=output, tokens=[{"t": "a", "lp": -inf, "top": [["a", nan], ["b", inf]]}])  # type: ignore[type-var]
    back = decode(encode(answered(reply=reply)))
    assert back.reply is not None
    assert back.reply.tokens == [{"t": "a", "lp": None, "top": [["a", None], ["b", None]]}]
    assert back.reply.output == output


def test_times_are_rounded_to_what_they_mean() -> None:
    reply = replace(answered().reply, latency_s=0.1234567891, ttft_s=0.0123456789)  # type: ignore[type-var]
    fields = jsonio.loads(encode(answered(reply=reply, waited_s=1.23456)))
    assert (fields["latency_s"], fields["ttft_s"], fields["waited_s"]) == (0.123457, 0.012346, 1.235)


def test_prompts_left_out_are_null() -> None:
    assert b'"messages":null,' in encode(answered(messages=None))
    assert decode(encode(answered(messages=None))).messages is None


def test_messages_with_line_breaks_between_tokens_stay_on_oneline_with() -> None:
    record = answered(messages=b'[\n  {"role": "user"}\n]')
    assert encode(record).count(b"\n") == 1
    assert decode(encode(record)).messages == b'[{"role":"user"}]'


def line_with(**changes: Any) -> bytes:
    """A whole line whose keys were changed before its checksum was made."""
    fields = {**jsonio.loads(encode(answered())), **changes}
    del fields["c"]
    body = jsonio.dumps(fields)[:-1]
    return b'%b,"c":"%08x"}\n' % (body, crc32(body))


def test_keys_of_a_later_version_are_tolerated() -> None:
    assert decode(line_with(later={"a": 1})) == answered()


def test_a_higher_format_version_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match="newer evalsvc") as caught:
        decode(line_with(v=2))
    assert "upgrade" in (caught.value.hint or "")


@pytest.mark.parametrize("changes", [{"row": "xyz"}, {"usage": 3}, {"v": "1"}, {"v": 0}, {"error": None, "status": "error"}])
def test_a_whole_line_that_is_no_record_is_damaged(changes: dict[str, Any]) -> None:
    with pytest.raises(DamagedLine, match="is no record"):
        decode(line_with(**changes))


def test_a_record_with_neither_reply_nor_error_is_a_bug() -> None:
    with pytest.raises(ValueError, match="neither a reply nor an error"):
        encode(answered(reply=None))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_bytes_that_are_no_line_are_damaged_and_nothing_else(data: bytes) -> None:
    with pytest.raises(DamagedLine):
        decode(data)
