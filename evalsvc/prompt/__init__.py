"""Sample -> Request: templates, examples, payload, key."""

from evalsvc.prompt.few_shot import load_prompt
from evalsvc.prompt.prompt import Prompt
from evalsvc.prompt.request import RequestBuilder

__all__ = ["Prompt", "RequestBuilder", "load_prompt"]
