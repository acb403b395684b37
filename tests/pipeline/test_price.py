"""Prices: one's own first, then exactly this name at exactly this provider, else none."""

from datetime import UTC, datetime
from typing import Any

import pytest

from evalsvc.config import ModelConfig, Price
from evalsvc.pipeline.price import price_of

NOW = datetime(2026, 11, 20, tzinfo=UTC)
OPENAI = "https://api.openai.com/v1"


def priced(name: str, base_url: str = OPENAI, **more: Any) -> Price | None:
    return price_of(ModelConfig(base_url="", name=name, **more), base_url, NOW).price


def test_a_price_of_ones_own_wins_wherever_the_model_is() -> None:
    own = Price(input=9.0, output=9.0)
    for base_url in (OPENAI, "sandbox", "http://localhost:8000/v1"):
        found = price_of(ModelConfig(base_url="", name="gpt-4.1-mini", price=own), base_url, NOW)
        assert (found.price, found.source) == (own, "model.price")


def test_a_listed_model_has_its_listed_price_and_the_source_names_list_version_and_date() -> None:
    found = price_of(ModelConfig(base_url="", name="gpt-4.1-mini"), OPENAI, NOW)
    assert found.price == Price(input=0.4, output=1.6, cached=0.1)
    assert "genai-prices " in found.source
    assert "openai/gpt-4.1-mini" in found.source
    assert "dated entry is of 202" in found.source


def test_a_dated_name_that_the_list_gives_in_full_is_the_same_model() -> None:
    assert priced("gpt-4.1-mini-2025-04-14") == priced("gpt-4.1-mini")


@pytest.mark.parametrize(
    "name", ["gpt-4.1-mini-evil", "gpt-4.1-min", "my-gpt-4.1-mini", "gpt-4o-audio-preview-x", "ft:gpt-4.1-mini:acme::a"]
)
def test_a_similar_name_has_no_price(name: str) -> None:
    found = price_of(ModelConfig(base_url="", name=name), OPENAI, NOW)
    assert found.price is None
    assert "set model.price" in found.source


def test_a_fine_tune_is_priced_by_the_base_that_its_name_begins_with() -> None:
    assert priced("ft:gpt-4o-mini-2024-07-18:acme::a") == Price(input=0.3, output=1.2)


@pytest.mark.parametrize(
    "base_url", ["sandbox", "http://localhost:8000/v1", "http://10.0.0.7/v1", "http://vllm:8000/v1", "https://llm.example.com/v1"]
)
def test_the_same_name_elsewhere_is_another_model(base_url: str) -> None:
    assert priced("gpt-4.1-mini", base_url) is None


def test_another_service_tier_has_its_own_price() -> None:
    dearer = priced("gpt-4.1-mini", params={"service_tier": "priority"})
    assert dearer is not None
    assert dearer.input > 0.4
