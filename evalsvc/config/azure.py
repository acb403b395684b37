"""Which deployment of which Azure resource `client: azure` asks, and by which version of the API."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from evalsvc.config.address import SANDBOX, resolve_base_url
from evalsvc.config.keypath import Where
from evalsvc.config.models import Azure, EvalConfig
from evalsvc.errors import UsageError

_VERSION_VARIABLE = "OPENAI_API_VERSION"
_PAGE = "see docs/endpoints.md#azure"


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureTarget:
    """What stands in the address of every request to Azure."""

    resource: str  # https://NAME.openai.azure.com
    deployment: str
    api_version: str
    token_provider: str | None  # None: a key

    @property
    def identity(self) -> dict[str, str]:
        """What of it decides who answers, beside the resource."""
        return {"deployment": self.deployment, "api_version": self.api_version}


def resolve_azure(config: EvalConfig, environ: Mapping[str, str], *, where: Where = str) -> AzureTarget | None:
    """None for every other client. UsageError for what is missing, for what nobody would look at, and for another API's address."""
    model = config.model
    if model.client != "azure":
        if model.azure is not None:
            raise UsageError(f"{where('model.azure')}: model.azure is for client: azure", hint="Write model.client: azure, or take it out.")
        return None
    resource = resolve_base_url(config, environ, where=where)
    azure = model.azure or Azure()
    _refuse_other_doors(resource, place=where("model.base_url"))
    deployment = azure.deployment or model.name
    if model.api == "responses" and deployment != model.name:
        raise UsageError(
            f"{where('model.azure.deployment')}: the responses API finds a deployment by model.name, not by its address",
            hint=f"Write model.name: {deployment}, and take model.azure.deployment out.",
        )
    return AzureTarget(
        resource=resource,
        deployment=deployment,
        api_version=azure.api_version or environ.get(_VERSION_VARIABLE) or _no_version(where),
        token_provider=_token_provider(config, azure, where),
    )


def _refuse_other_doors(resource: str, *, place: str) -> None:
    if resource == SANDBOX:
        raise UsageError(f"{place}: the sandbox is no Azure resource", hint="Take model.client out, or write client: sdk.")
    path = urlsplit(resource).path
    if path.endswith("/v1"):
        raise UsageError(
            f"{place}: {resource} is Azure's v1 address, which needs no client of its own",
            hint=f"Take model.client out and write api_key_env: AZURE_OPENAI_API_KEY; or end the address before {path}; {_PAGE}",
        )
    if "/openai" in path:
        raise UsageError(
            f"{place}: client: azure adds /openai/deployments/… to the address by itself",
            hint=f"End it before /openai: {resource.partition('/openai')[0]}",
        )


def _no_version(where: Where) -> str:
    raise UsageError(
        f"{where('model')}: client: azure needs the version of the API",
        hint=f"Write model.azure.api_version, as in 2024-10-21, or set {_VERSION_VARIABLE}; {_PAGE}",
    )


def _token_provider(config: EvalConfig, azure: Azure, where: Where) -> str | None:
    if azure.token_provider is not None and config.model.api_key_env is not None:
        raise UsageError(
            f"{where('model.azure.token_provider')}: model.api_key_env and model.azure.token_provider are two ways to sign in",
            hint="Keep one of the two.",
        )
    return azure.token_provider
