"""Where a text begins among tokens, however a server shows tokens that are no whole character."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.endpoint.spelling import Spelled, spelled_at_end, spelled_form


@pytest.mark.parametrize(
    ("what", "tokens", "text", "spelled"),
    [
        ("token by token", ["Q", ":", " ham"], " ham", Spelled(first=2)),
        ("all of it", ["ham"], "ham", Spelled(first=0)),
        ("a token that spans the border", ["Q", ":", " ham"], "ham", Spelled(first=2, joint=True)),
        ("a token that spans it, in the middle of a word", ["cap", "ital", " city"], "al city", Spelled(first=1, joint=True)),
        ("the same word in the prompt", ["ham", ":", "ham"], "ham", Spelled(first=2)),
        ("another text", ["Q", ":", " spam"], " ham", None),
        ("something behind it", ["Q", ":", " ham", "<|end|>"], " ham", None),
        ("less than it", ["am"], "ham", None),
        ("no tokens", [], "ham", None),
        ("no text", ["ham"], "", None),
        ("token ids in place of texts", ["token_id:12", "token_id:7"], "ham", None),
        ("a first token that is not told", ["", " ham"], " ham", Spelled(first=1)),
        ("U+FFFD for bytes", ["Q", ":", "\ufffd", "\ufffd", "!"], "é!", Spelled(first=2)),
        ("U+FFFD and text in one token", ["Q", " \ufffd", "\ufffd"], " √", Spelled(first=1)),
        ("one U+FFFD for three bytes", ["Q", "\ufffd", "\ufffd"], "😀", Spelled(first=1)),
        ("a text that has U+FFFD itself", ["Q", " \ufffd", "x"], " \ufffdx", Spelled(first=1)),
        ("nothing, then the whole character", ["Q", ":", "", "", "語", "です"], "語です", Spelled(first=2)),
        ("nothing, and then no such character", ["", "", "ham"], "ham", Spelled(first=2)),
        ("bytes as Latin-1", ["Q", " â\x88", "\x9a", "!"], " √!", Spelled(first=1)),
        ("bytes, escaped", ["Q", "bytes:\\xe2\\x80", "bytes:\\x99", "s"], "\u2019s", Spelled(first=1)),
        ("bytes behind a blank, escaped", ["Q", "bytes: \\xe2\\x88", "bytes:\\x9a"], " √", Spelled(first=1)),
        ("bytes as pieces", ["Q", "<0xE2>", "<0x88>", "<0x9A>"], "√", Spelled(first=1)),
        ("a text that looks like a piece", ["Q", "<0xE2>"], "<0xE2>", Spelled(first=1)),
        ("pieces with their blank", ["Q", "▁ham", "▁egg"], " ham egg", Spelled(first=1)),
        ("blanks that were lost", ["Q", ":", "ham", "and", "egg", "s"], " ham and eggs", Spelled(first=2)),
        ("the border's blank lost, and no part of the text", ["Q", ":", "ham", "and"], "ham and", Spelled(first=2)),
        ("a surrogate", ["Q", "\ud800"], "\ud800", Spelled(first=1)),
    ],
)
def test_the_text_begins_at(what: str, tokens: Sequence[str], text: str, spelled: Spelled | None) -> None:
    assert spelled_at_end(tokens, text) == spelled, what


def _as_latin_1(part: bytes) -> str:
    return _decoded(part) or part.decode("latin-1")


def _as_escapes(part: bytes) -> str:
    return _decoded(part) or "bytes:" + "".join(f"\\x{byte:02x}" for byte in part)


def _with_replacement(part: bytes) -> str:
    return part.decode("utf-8", "replace")


def _decoded(part: bytes) -> str | None:
    try:
        return part.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _as_vllm_does(parts: Sequence[bytes]) -> list[str]:
    """What is no whole character is shown as nothing, until the token that ends the character, which shows all of it."""
    shown, pending = [], b""
    for part in parts:
        text = _decoded(pending + part)
        shown.append(text if text is not None else "")
        pending = b"" if text is not None else pending + part
    return shown


SHOWN: dict[str, Callable[[Sequence[bytes]], list[str]]] = {
    "replacement": lambda parts: [_with_replacement(part) for part in parts],
    "latin-1": lambda parts: [_as_latin_1(part) for part in parts],
    "escapes": lambda parts: [_as_escapes(part) for part in parts],
    "vllm": _as_vllm_does,
}
texts = st.text(st.sampled_from("ab é√語😀\u2019"), min_size=1, max_size=12)


def _parts(text: str, cuts: Sequence[int]) -> list[bytes]:
    """The bytes of `text` in one to three pieces a character, or several characters in one piece."""
    data = text.encode()
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:stop] for start, stop in pairwise(at)]


@pytest.mark.parametrize("style", SHOWN)
@given(text=texts, cuts=st.lists(st.integers(0, 60), max_size=30))
def test_whatever_the_tokens_and_however_shown_none_of_the_text_is_lost(style: str, text: str, cuts: list[int]) -> None:
    tokens = SHOWN[style](_parts(text, cuts))
    assert spelled_at_end(["Q", ":", *tokens], text) == Spelled(first=2)


@given(prompt=texts, text=texts, cuts=st.lists(st.integers(0, 60), max_size=30))
def test_plain_tokens_are_split_as_their_lengths_say(prompt: str, text: str, cuts: list[int]) -> None:
    whole = prompt + text
    at = sorted({0, len(whole), *(cut % (len(whole) + 1) for cut in cuts)})
    tokens = [whole[start:stop] for start, stop in pairwise(at)]
    first = next(index for index, stop in enumerate(at[1:]) if stop > len(prompt))
    assert spelled_at_end(tokens, text) == Spelled(first=first, joint=at[first] < len(prompt))


def test_blanks_around_the_text_may_be_trimmed_by_a_template() -> None:
    assert spelled_form(["<|a|>", "ham"], "ham\n\n") == "ham"
    assert spelled_form(["<|a|>", "ham"], "\n\n ham ") == "ham"
    assert spelled_form(["<|a|>", "ham", "\n"], "ham\n") == "ham\n"
    assert spelled_form(["<|a|>", "h am"], "ham") is None


def test_a_long_target_of_which_every_byte_is_a_token_of_its_own_holds_nobody_up() -> None:
    """Each U+FFFD may be one, two or three bytes: the places where the text may begin grow with every token."""
    begun = process_time()
    assert spelled_at_end(["Q", *["\ufffd"] * 12_000], "🎉" * 3_000) == Spelled(first=1)
    assert process_time() - begun < 5
