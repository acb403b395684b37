"""Whether a target was scored, and which logprobs are its."""

from dataclasses import replace
from typing import Any

import pytest

from evalsvc.config import DatasetConfig, EvalConfig
from evalsvc.errors import UsageError
from evalsvc.records import Outcome, Record, Score
from evalsvc.scoring.likelihood import Likelihood, LikelihoodScorer, likelihood_of
from evalsvc.scoring.tasks import make_scorer
from tests.scoring.records import answered, failed

PROMPT = [("Q", None), (":", -1.0)]


def tokens(*pairs: tuple[str, float | None]) -> list[dict[str, Any]]:
    return [{"t": text, "lp": logprob, "top": []} for text, logprob in pairs]


def record(*pairs: tuple[str, float | None], target: str | None = " ham") -> Record:
    made = answered(".", "length", target=target)
    assert made.reply is not None
    return replace(made, reply=replace(made.reply, prompt_tokens=tokens(*pairs) if pairs else None))


def scored(made: Record, **more: Any) -> Score:
    return LikelihoodScorer().score(made, **more)


def test_a_target_whose_tokens_all_have_a_logprob_is_scored() -> None:
    score = scored(record(*PROMPT, (" h", -2.0), ("am", -0.5)))
    assert (score.outcome, score.prediction, score.rule, score.target) == (Outcome.SCORED, " ham", "prompt_logprobs", " ham")


def test_the_cut_is_no_fault_of_the_row() -> None:
    assert scored(record(*PROMPT, (" ham", -2.0))).cut is False


@pytest.mark.parametrize(
    ("what", "made"),
    [
        ("no logprobs of the prompt", record()),
        ("another text at its end", record(*PROMPT, (" spam", -2.0))),
        ("a number that is no logarithm of a probability", record(*PROMPT, (" h", 0.7), ("am", -0.5))),
        ("an impossible token, as vLLM writes it", record(*PROMPT, (" h", -9999.0), ("am", -0.5))),
        ("an impossible token, as JSON has it", record(*PROMPT, (" h", -2.0), ("am", None))),
        ("a target of one token, which begins the prompt", record((" ham", None))),
        ("no target", record(*PROMPT, (" ham", -2.0), target=None)),
    ],
)
def test_any_other_is_unparsed(what: str, made: Record) -> None:
    score = scored(made)
    assert (score.outcome, score.prediction, score.rule) == (Outcome.UNPARSED, None, None), what


def test_a_target_that_is_another_by_now_was_never_scored() -> None:
    made = record(*PROMPT, (" ham", -2.0))
    assert scored(made, target=" spam").outcome is Outcome.UNPARSED
    assert scored(made, target="ham").outcome is Outcome.UNPARSED
    assert scored(made, target=" ham").outcome is Outcome.SCORED


def test_errors_and_refusals_stay_what_they_are() -> None:
    assert scored(failed("invalid_request")).outcome is Outcome.ERROR
    assert scored(failed("content_filter")).outcome is Outcome.FILTERED


def test_blanks_that_a_template_trims_are_not_part_of_what_was_scored() -> None:
    assert scored(record(*PROMPT, ("ham", -2.0), target="ham\n")).prediction == "ham"


def test_a_token_that_begins_in_the_prompt_counts_whole_to_the_target() -> None:
    assert likelihood_of(tokens(("Q", None), (": h", -3.0), ("am", -0.5)), "ham") == Likelihood(
        logprobs=(-3.0, -0.5), text="ham", joint=True
    )


def test_the_first_token_of_all_has_no_logprob_and_is_left_out_with_its_text() -> None:
    assert likelihood_of(tokens(("to", None), (" be", -1.5)), "to be") == Likelihood(logprobs=(-1.5,), text=" be", unscored=1)
    # a token that only begins the prompt leaves the target whole
    assert likelihood_of(tokens(("<s>", None), ("to", -3.0), (" be", -1.5)), "to be") == Likelihood(logprobs=(-3.0, -1.5), text="to be")
    assert likelihood_of(tokens(("", None), ("to", -3.0)), "to") == Likelihood(logprobs=(-3.0,), text="to")


def test_a_logprob_of_zero_is_one() -> None:
    assert likelihood_of(tokens(("Q", None), (" ham", 0.0)), " ham") == Likelihood(logprobs=(0.0,), text=" ham")


def config(**scoring: Any) -> EvalConfig:
    return EvalConfig.model_validate(
        {"name": "x", "task": "perplexity", "dataset": DatasetConfig(path="a"), "model": {"name": "m"}, "scoring": scoring}
    )


def test_the_task_has_this_scorer() -> None:
    assert isinstance(make_scorer(config(), ()), LikelihoodScorer)


@pytest.mark.parametrize("scoring", [{"extract": {"regex": "x"}}, {"correct": "exact_match"}, {"labels": ["a", "b"]}])
def test_settings_that_speak_of_answers_are_refused(scoring: dict[str, Any]) -> None:
    (name,) = scoring
    with pytest.raises(UsageError, match=rf"scoring\.{name}"):
        make_scorer(config(**scoring), ())
