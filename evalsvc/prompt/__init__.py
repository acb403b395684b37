"""Sample -> Request: templates, payload, key."""

from evalsvc.prompt.prompt import Prompt
from evalsvc.prompt.request import RequestBuilder

__all__ = ["Prompt", "RequestBuilder"]
