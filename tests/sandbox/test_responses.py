"""What the official client library makes of the responses API, event by event."""

import math
from typing import Any

import openai
import pytest
from openai.types.responses import Response, ResponseOutputText, ResponseStreamEvent
from pydantic import TypeAdapter

from evalsvc.sandbox.embed import Sandbox
from tests.sandbox.client import RESPONSES, asked, events_in
from tests.sandbox.sdk import through_the_sdk

HELLO = "hello there, world"
EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def put(text: str = HELLO, model: str = "echo", **more: Any) -> dict[str, Any]:
    return {"model": model, "input": text} | more


def responded(sandbox: Sandbox, text: str = HELLO, model: str = "echo", **more: Any) -> Response:
    async def talk(client: openai.AsyncOpenAI) -> Response:
        reply = await client.responses.create(model=model, input=text, **more)
        assert isinstance(reply, Response)
        return reply

    return through_the_sdk(sandbox, talk)


def only_part(response: Response) -> ResponseOutputText:
    message = response.output[0]
    assert message.type == "message"
    part = message.content[0]
    assert part.type == "output_text"
    return part


def streamed(sandbox: Sandbox, body: dict[str, Any], fault: str | None = None) -> list[dict[str, Any]]:
    return events_in(asked(sandbox.url, body | {"stream": True}, fault=fault, path=RESPONSES)[0].body)


def test_the_sdk_reads_a_response_in_full(echo: Sandbox) -> None:
    reply = responded(echo)
    assert (reply.output_text, reply.status, reply.object, reply.model) == (HELLO, "completed", "response", "echo")
    assert (reply.error, reply.incomplete_details) == (None, None)
    assert reply.id.startswith("resp_")
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.total_tokens) == (10, 4, 14)
    assert (reply.usage.input_tokens_details.cached_tokens, reply.usage.output_tokens_details.reasoning_tokens) == (0, 0)


def test_a_response_has_every_field_that_the_schema_requires(echo: Sandbox) -> None:
    for fault in (None, "refusal", "null-content", "filter", "gave-up", "empty-choices", "no-usage"):
        body = asked(echo.url, put(), fault=fault, path=RESPONSES)[0].json
        assert Response.model_validate(body).model_dump(mode="json", exclude_unset=True) == body


def test_logprobs_come_when_they_are_included(classifier: Sandbox) -> None:
    assert not only_part(responded(classifier, "free prize", "classifier")).logprobs
    told = only_part(responded(classifier, "free prize", "classifier", include=["message.output_text.logprobs"], top_logprobs=3)).logprobs
    assert told is not None
    assert [token.token for token in told] == ["spam"]
    assert math.isclose(sum(math.exp(token.logprob) for token in told[0].top_logprobs), 1.0)


@pytest.mark.parametrize(
    ("fault", "more", "status", "reason", "text"),
    [
        (None, {"max_output_tokens": 2}, "incomplete", "max_output_tokens", "hello there"),
        ("filter", {}, "incomplete", "content_filter", "hello there"),
        ("gave-up", {}, "failed", None, "hello there"),
    ],
)
def test_an_answer_that_did_not_end_says_why(
    echo: Sandbox, fault: str | None, more: dict[str, Any], status: str, reason: str | None, text: str
) -> None:
    plain = asked(echo.url, put(**more), fault=fault, path=RESPONSES)[0].json
    last = streamed(echo, put(**more), fault)[-1]
    for reply in (plain, last["response"]):
        assert (reply["status"], (reply["incomplete_details"] or {}).get("reason")) == (status, reason)
        assert reply["output"][0]["content"][0]["text"] == text
        assert (reply["error"] is None) == (status != "failed")
    assert last["type"] == f"response.{status}"


def test_a_refusal_is_a_part_of_its_own(echo: Sandbox) -> None:
    content = asked(echo.url, put(), fault="refusal", path=RESPONSES)[0].json["output"][0]["content"]
    said = [event["delta"] for event in streamed(echo, put(), "refusal") if event["type"] == "response.refusal.delta"]
    assert content == [{"type": "refusal", "refusal": "".join(said)}]


def test_every_event_is_one_that_the_schema_knows(classifier: Sandbox) -> None:
    for fault in (None, "refusal", "null-content", "filter", "gave-up", "empty-choices", "no-usage", "stream-error"):
        body = put("the meeting test", "classifier", include=["message.output_text.logprobs"], top_logprobs=2)
        events = streamed(classifier, body, fault)
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        for event in events:
            assert EVENTS.validate_python(event).type == event["type"]


def test_the_events_come_in_openais_order(echo: Sandbox) -> None:
    assert [event["type"].removeprefix("response.") for event in streamed(echo, put("hello there"))] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


def test_an_event_is_named_by_its_type(echo: Sandbox) -> None:
    body = asked(echo.url, put(stream=True), path=RESPONSES)[0].body.decode()
    named = [line.removeprefix("event: ") for line in body.split("\n") if line.startswith("event: ")]
    assert named == [event["type"] for event in events_in(body.encode())]
    assert "[DONE]" not in body


def test_the_sdks_stream_helper_arrives_at_the_plain_reply(classifier: Sandbox) -> None:
    async def talk(client: openai.AsyncOpenAI) -> tuple[str, Response]:
        async with client.responses.stream(
            model="classifier", input="the meeting test", include=["message.output_text.logprobs"], top_logprobs=2
        ) as stream:
            said = [event.delta async for event in stream if event.type == "response.output_text.delta"]
            return "".join(said), await stream.get_final_response()

    said, final = through_the_sdk(classifier, talk)
    plain = responded(classifier, "the meeting test", "classifier", include=["message.output_text.logprobs"], top_logprobs=2)
    assert said == final.output_text == plain.output_text == "not sure"
    assert only_part(final).logprobs == only_part(plain).logprobs
    assert final.usage == plain.usage
