"""Log-probabilities of tokens, in every shape that servers send, as the journal keeps them: [{"t", "lp", "top"}, …].

    {"content": [{"token", "logprob", "top_logprobs": [{"token", "logprob"}]}]}              chat; llama.cpp for completions too
    {"tokens": […], "token_logprobs": […], "top_logprobs": [{token: logprob}], …}            completions; Together for chat too
    [null, {"785": {"logprob", "rank", "decoded_token"}, …}, …]                              vLLM, of a prompt: `prompt_logprobs`

`bytes`, ids and offsets are left out. A log-probability of null is one that the server has as minus infinity or NaN, or
that of a prompt's first token, which nothing precedes. -9999.0, OpenAI's "outside the top 20", stays as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Tokens = list[dict[str, Any]]

_LARGEST = 1.7e308
_NUMBER = (float, int)


def read_logprobs(logprobs: Any) -> Tokens | None:
    """One entry per token; None when the server sent none. Entries without a token, or with no number at all, are left out.

    >>> read_logprobs({"content": [{"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "b", "logprob": -1}]}]})
    [{'t': 'a', 'lp': -0.5, 'top': [['b', -1.0]]}]
    >>> read_logprobs({"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [{"b": -1, "a": -0.5}]})
    [{'t': 'a', 'lp': -0.5, 'top': [['a', -0.5], ['b', -1.0]]}]
    """
    if type(logprobs) is not dict:
        return None
    if type(entries := logprobs.get("content")) is list:
        return _of_entries(entries)
    if type(logprobs.get("tokens")) is list:
        return _of_columns(logprobs)
    return None


def read_prompt_logprobs(places: Any) -> Tokens | None:
    """vLLM's `prompt_logprobs`: at each place the prompt's own token first, then likelier ones, by id. None when there are none.

    The text of the first token is not told, and stands as "".

    >>> read_prompt_logprobs([None, {"7": {"logprob": -1.5, "rank": 2, "decoded_token": " be"}}])
    [{'t': '', 'lp': None, 'top': []}, {'t': ' be', 'lp': -1.5, 'top': [[' be', -1.5]]}]
    """
    if type(places) is not list or not places:
        return None
    return [_of_place(list(place.values()) if type(place) is dict else []) for place in places]


def _of_place(entries: Sequence[Any]) -> dict[str, Any]:
    pairs = [
        [token if type(token := entry.get("decoded_token")) is str else "", _nats(entry.get("logprob"))]
        for entry in entries
        if type(entry) is dict
    ]
    if not pairs:
        return {"t": "", "lp": None, "top": []}
    return {"t": pairs[0][0], "lp": pairs[0][1], "top": sorted(pairs, key=_likeliest_first)}


def _of_entries(entries: Sequence[Any]) -> Tokens:
    tokens = []
    for entry in entries:
        for token, logprob in _pairs((entry,)):
            top = entry.get("top_logprobs")
            tokens.append({"t": token, "lp": logprob, "top": _pairs(top) if type(top) is list else []})
    return tokens


def _pairs(entries: Iterable[Any]) -> list[list[Any]]:
    try:
        return [
            [token, logprob if logprob is None else float(logprob)]
            for entry in entries
            if type(token := entry["token"]) is str
            and ((logprob := entry["logprob"]) is None or (type(logprob) in _NUMBER and -_LARGEST < logprob < _LARGEST))
        ]
    except (TypeError, LookupError):
        whole = [entry for entry in entries if type(entry) is dict and "token" in entry and "logprob" in entry]
        return _pairs(whole)


def _of_columns(columns: Mapping[str, Any]) -> Tokens | None:
    """None where the columns do not stand beside each other: which number belongs to which token cannot be told."""
    tokens, logprobs, tops = columns["tokens"], columns.get("token_logprobs"), columns.get("top_logprobs")
    if type(logprobs) is not list or len(logprobs) != len(tokens):
        return None
    if type(tops) is not list or len(tops) != len(tokens):
        tops = [None] * len(tokens)
    return [
        {"t": token if type(token) is str else str(token), "lp": _nats(logprob), "top": _ranked(top)}
        for token, logprob, top in zip(tokens, logprobs, tops, strict=True)
    ]


def _ranked(top: Any) -> list[list[Any]]:
    """The likeliest first, as chat has them: the order of a JSON object means nothing."""
    if type(top) is not dict:
        return []
    pairs = [[token, _nats(logprob)] for token, logprob in top.items()]
    return sorted(pairs, key=_likeliest_first)


def _likeliest_first(pair: Sequence[Any]) -> float:
    return float("inf") if pair[1] is None else -pair[1]


def _nats(value: Any) -> float | None:
    return float(value) if type(value) in _NUMBER and -_LARGEST < value < _LARGEST else None
