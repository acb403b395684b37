"""What a token costs: the config's own price, else that of a maintained list, and never that of a similar name."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib.metadata import version
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from evalsvc.config import ModelConfig, Price
from evalsvc.config.address import host_of

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

LIST = "genai-prices"
OWN = "model.price"
# A fine-tune is named after its base, so its price goes by the beginning of its name.
_FINE_TUNED = "ft:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """`source` says where the price is from, or, where there is none, why."""

    price: Price | None
    source: str


def price_again(written: Mapping[str, Any] | None, kept: Mapping[str, Any] | None, source: str) -> tuple[Mapping[str, Any] | None, str]:
    """The price, and its source, of a run that is scored again: that of the config as it is `written` now, else a listed one as `kept`.

    >>> price_again(None, {"input": 1.0}, "genai-prices 1"), price_again(None, {"input": 1.0}, "model.price")
    (({'input': 1.0}, 'genai-prices 1'), (None, 'no price known: set model.price'))
    """
    if written is not None:
        return written, OWN
    return (kept, source) if source != OWN else (None, "no price known: set model.price")


def price_of(model: ModelConfig, base_url: str, now: datetime) -> Priced:
    """`model.price`; else what genai-prices, where it is installed, lists for this provider under exactly this name."""
    if model.price is not None:
        return Priced(price=model.price, source=OWN)
    if _is_own_server(host_of(base_url)):
        return Priced(price=None, source="no price: a server of one's own; model.price sets one")
    try:
        from genai_prices.data_snapshot import get_snapshot
    except ImportError:
        return Priced(price=None, source="no price known: set model.price, or install evalsvc[prices] for a maintained list")
    providers = get_snapshot().providers
    provider = next((provider for provider in providers if re.match(provider.api_pattern, base_url)), None)
    found = None if provider is None else _listed(provider, model.name.lower())
    price = None if found is None else _price(found, model, now)
    name = f"{LIST} {version(LIST)}"
    if provider is None or found is None or price is None:
        return Priced(price=None, source=f"no price known: set model.price ({name} has none for this model at this address)")
    return Priced(price=price, source=f"{name}, {provider.id}/{found.id}; its newest dated entry is of {_newest(providers, now.date())}")


def _is_own_server(host: str) -> bool:
    """A host that no price list can know: the sandbox, an address in digits, a name without a domain.

    >>> [_is_own_server(host) for host in ("", "localhost", "10.0.0.7", "::1", "vllm", "vllm.svc.cluster.local", "api.openai.com")]
    [True, True, True, True, True, True, False]
    """
    if "." not in host and ":" not in host:
        return True
    try:
        ip_address(host)
    except ValueError:
        return host.endswith((".local", ".internal", ".localhost"))
    return True


def _listed(provider: "Provider", name: str) -> "ModelInfo | None":
    for model in provider.models:
        if model.id.lower() == name or name in _names(model.match) or (name.startswith(_FINE_TUNED) and model.is_match(name)):
            return model
    return None


def _names(clause: Any) -> Iterator[str]:
    """The names that a rule of the list gives in full; its rules by prefix and pattern fit names that nobody has priced."""
    if hasattr(clause, "equals"):
        yield clause.equals.lower()
    for inner in getattr(clause, "or_", ()):
        yield from _names(inner)


def _price(found: "ModelInfo", model: ModelConfig, now: datetime) -> Price | None:
    """None where the list has no price for text in and out."""
    tier = model.params.get("service_tier")
    prices = found.get_prices(now, {"service_tier": tier} if isinstance(tier, str) else None)
    texts = [_usd(prices.input_mtok), _usd(prices.output_mtok)]
    if None in texts:
        return None
    return Price(input=texts[0] or 0.0, output=texts[1] or 0.0, cached=_usd(prices.cache_read_mtok))


def _usd(listed: Any) -> float | None:
    """USD per million tokens; where long prompts cost more, the price of the others."""
    value = getattr(listed, "base", listed)
    return None if value is None else float(value)


def _newest(providers: list["Provider"], today: date) -> date | None:
    """The list carries no date of its own: the newest one that it names, which is not of a price to come."""
    dates = (_start(item) for provider in providers for model in provider.models for item in _dated(model))
    return max((day for day in dates if day is not None and day <= today), default=None)


def _dated(model: "ModelInfo") -> list[Any]:
    return [*(model.prices if isinstance(model.prices, list) else ()), *(model.price_variants or ())]


def _start(item: Any) -> date | None:
    return getattr(item.constraint, "start_date", None)
