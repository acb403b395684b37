"""What a config asks for and cannot get is refused before anybody is asked anything."""

from pathlib import Path
from typing import Any

import pytest

from evalsvc.config import EvalConfig
from evalsvc.deriving.derive import derive_run
from evalsvc.errors import UsageError
from evalsvc.pipeline.prepare import check_numbers
from evalsvc.reduce.run import plan_of
from tests.pipeline.test_planning import config
from tests.reduce.extending import ROWS, make_run

TEXTS = ("generation", "translation", "summarization", "qa", "regression")


def asking_for(task: str, **changes: Any) -> EvalConfig:
    return config(task=task, scoring={"labels": ["spam", "ham"], **changes.pop("scoring", {})}, **changes)


@pytest.mark.parametrize("task", TEXTS)
def test_one_label_is_not_the_positive_one_where_answers_are_no_labels(task: str) -> None:
    with pytest.raises(UsageError, match=rf"scoring\.positive: it names a label, and with `task: {task}` there are none"):
        check_numbers(asking_for(task, scoring={"positive": "spam"}), str)


@pytest.mark.parametrize("task", TEXTS)
def test_a_metric_of_labels_is_not_one_of_answers_that_are_no_labels(task: str) -> None:
    with pytest.raises(UsageError, match="f1_macro needs labels, and there are none"):
        check_numbers(asking_for(task, metrics=["f1_macro"]), str)
