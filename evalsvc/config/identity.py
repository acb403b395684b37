"""What makes two launches the same measurement: everything that changes which questions are asked, of whom."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalsvc import plugins
from evalsvc.config.address import endpoint_identity
from evalsvc.config.azure import AzureTarget
from evalsvc.config.models import EvalConfig
from evalsvc.config.secrets import without_secrets
from evalsvc.jsonio import canonical, dumps

_ABSENT = object()


def identity(
    config: EvalConfig, base_url: str, prompt_fingerprint: str, *, azure: AzureTarget | None = None, judged: Sequence[str] = ()
) -> dict[str, Any]:
    """The identity of a run as JSON-ready values.

    Not in it, because the answers do not depend on it: name, limits, budget, price, scoring, metrics, gates, how many
    rows, where files lie, and credentials among the parameters. `judged` are the runs whose answers are the data set.
    """
    model = config.model
    return {
        "model": model.name,
        "revision": model.revision,
        "endpoint": endpoint_identity(config, base_url),
        "api": _api(config),
        "max_output_tokens": model.max_output_tokens,
        "params": without_secrets(model.params),
        "prompt": prompt_fingerprint,
        "repeats": config.repeats,
        "shard": None,
        **({} if azure is None else {"azure": azure.identity}),
        **({"judged": list(judged)} if judged else {}),
    }


def _api(config: EvalConfig) -> str:
    """The name; of one in a file what the file says too, and not where it lies."""
    name = config.model.api
    if not plugins.is_in_file(name):
        return name
    return f"{name.rpartition('/')[2]} {plugins.fingerprint(plugins.Kind.API, name, config.base_dir)}"


def identity_digest(identity: Mapping[str, Any]) -> str:
    """8 hex digits, the same for equal identities whatever the order of their keys: the default run id.

    >>> identity_digest({"model": "a", "repeats": 1}) == identity_digest({"repeats": 1, "model": "a"})
    True
    """
    return hashlib.blake2b(canonical(identity), digest_size=4).hexdigest()


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One line for each value in which two identities differ, in the order of `new`; empty when they are the same.

    >>> differences({"model": "a", "params": {"seed": 1}}, {"model": "b", "params": {}})
    ['model: "a" → "b"', 'params.seed: 1 → not given']
    """
    return list(_differences(old, new, prefix=""))


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], *, prefix: str) -> Iterator[str]:
    for key in dict.fromkeys([*new, *old]):
        before, after = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if before is after or (_ABSENT not in (before, after) and canonical(before) == canonical(after)):
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _differences(before, after, prefix=f"{prefix}{key}.")
        elif prefix + key == "prompt":
            yield f"prompt: the templates changed ({_shown(before)} → {_shown(after)})"
        else:
            yield f"{prefix}{key}: {_shown(before)} → {_shown(after)}"


def _shown(value: Any) -> str:
    return "not given" if value is _ABSENT or value is None else dumps(value).decode()
