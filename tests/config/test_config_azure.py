"""What `client: azure` needs, where it comes from, and what it makes of the identity."""

from typing import Any

import pytest

from evalsvc.config import DatasetConfig, EvalConfig, ModelConfig
from evalsvc.config.azure import AzureTarget, resolve_azure
from evalsvc.config.identity import identity, identity_digest
from evalsvc.config.models import Azure
from evalsvc.config.secrets import resolve_api_key
from evalsvc.errors import UsageError

RESOURCE = "https://acme.openai.azure.com"


def config(*, azure: dict[str, Any] | None = None, **model: Any) -> EvalConfig:
    values = {"name": "gpt", "client": "azure", "base_url": RESOURCE, "azure": None if azure is None else Azure(**azure), **model}
    return EvalConfig(name="x", dataset=DatasetConfig(path="a.csv"), model=ModelConfig(**values))


def target(config: EvalConfig, environ: dict[str, str] | None = None) -> AzureTarget:
    found = resolve_azure(config, environ or {}, where=lambda key: f"eval.yaml:5 ({key})")
    assert found is not None
    return found


def test_the_config_wins_over_the_environment_and_the_model_names_the_deployment() -> None:
    environ = {"AZURE_OPENAI_ENDPOINT": "https://other.openai.azure.com/", "OPENAI_API_VERSION": "2024-06-01"}
    from_environment = target(config(base_url=""), environ)
    assert (from_environment.resource, from_environment.deployment) == ("https://other.openai.azure.com", "gpt")
    assert from_environment.api_version == "2024-06-01"
    written = target(config(azure={"api_version": "2024-10-21", "deployment": "mine"}), environ)
    assert (written.resource, written.deployment, written.api_version) == (RESOURCE, "mine", "2024-10-21")


@pytest.mark.parametrize(
    ("model", "environ", "said", "todo"),
    [
        ({"base_url": ""}, {"OPENAI_BASE_URL": "http://other"}, "address of a resource", "AZURE_OPENAI_ENDPOINT"),
        ({}, {}, "version of the API", "OPENAI_API_VERSION"),
        ({"base_url": f"{RESOURCE}/openai/v1"}, {}, "v1 address", "AZURE_OPENAI_API_KEY"),
        ({"base_url": f"{RESOURCE}/openai/deployments/gpt"}, {}, "by itself", RESOURCE),
        ({"base_url": "sandbox"}, {}, "no Azure resource", "client: sdk"),
        ({"azure": {"deployment": "mine"}, "api": "responses"}, {}, "model.name", "model.name: mine"),
        ({"azure": {"token_provider": "identity", "api_version": "v"}, "api_key_env": "K"}, {}, "two ways to sign in", "one"),
        ({"client": "http", "azure": {"deployment": "mine"}}, {}, "for client: azure", "take it out"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_do(model: dict[str, Any], environ: dict[str, str], said: str, todo: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        resolve_azure(config(**model), environ, where=lambda key: f"eval.yaml:5 ({key})")
    assert caught.value.message.startswith("eval.yaml:5 (")
    assert todo in (caught.value.hint or "")


def test_other_clients_have_no_azure() -> None:
    assert resolve_azure(config(client="sdk"), {}) is None


def test_the_key_is_azures_own_unless_one_is_named_or_a_token_is_to_be_used() -> None:
    environ = {"AZURE_OPENAI_API_KEY": "azure-key", "MINE": "my-key", "OPENAI_API_KEY": "not-for-azure"}
    assert resolve_api_key(config(), environ) == "azure-key"
    assert resolve_api_key(config(api_key_env="MINE"), environ) == "my-key"
    assert resolve_api_key(config(azure={"token_provider": "identity"}), environ) is None
    with pytest.raises(UsageError, match="AZURE_OPENAI_API_KEY is not set"):
        resolve_api_key(config(), {"OPENAI_API_KEY": "not-for-azure"})


def test_deployment_and_version_are_part_of_the_identity_and_the_way_to_sign_in_is_not() -> None:
    def digest(**azure: str) -> str:
        written = config(azure={"api_version": "a", **azure})
        return identity_digest(identity(written, RESOURCE, "p", azure=target(written)))

    assert len({digest(), digest(deployment="other"), digest(api_version="b")}) == 3
    assert digest(token_provider="identity") == digest(deployment="gpt") == digest()


def test_the_identity_of_every_other_client_is_what_it_was() -> None:
    assert "azure" not in identity(config(client="sdk"), RESOURCE, "p")
