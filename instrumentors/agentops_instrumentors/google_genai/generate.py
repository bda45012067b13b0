"""One request to the model, plain and streamed.

What programs call (`generate_content`, a chat's `send_message`) may ask several times: it calls functions and goes on after them, and
continues long answers. Each of its requests is one of these, so each is counted once.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.endpoint import Endpoint
from agentops_instrumentors.core.messages import Content
from agentops_instrumentors.core.reading import reader, word
from agentops_instrumentors.core.stream import ObservedAsyncIterator, ObservedIterator
from agentops_instrumentors.formats.gemini import instructions, messages
from agentops_instrumentors.formats.gemini_answer import Chunks
from agentops_instrumentors.formats.gemini_tools import definitions
from agentops_instrumentors.google_genai.client import request

if TYPE_CHECKING:
    from agentops_instrumentors.core.invocation import Invocation
    from agentops_instrumentors.core.operation import AttributeValue, Call, Request, Response
    from agentops_instrumentors.core.reading import Read

_NAMES: Final = {
    "temperature": semconv.REQUEST_TEMPERATURE,
    "top_p": semconv.REQUEST_TOP_P,
    "max_output_tokens": semconv.REQUEST_MAX_TOKENS,
    "frequency_penalty": semconv.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": semconv.REQUEST_PRESENCE_PENALTY,
    "seed": semconv.REQUEST_SEED,
}
_MIME_TYPES: Final = {"application/json": "json", "text/plain": "text", "text/x.enum": "text"}


class Generate(Endpoint):
    """`_generate_content(model=, contents=, config=)`, below what programs call."""

    beside = ("generate_content",)
    stream = False

    def request(self, instance: Any, call: Call) -> Request:
        kwargs = call.kwargs
        config = reader(kwargs.get("config"))
        contents = kwargs.get("contents")
        return request(
            semconv.GENERATE_CONTENT,
            instance,
            kwargs.get("model"),
            config,
            parameters(config),
            lambda: Content(messages(contents), instructions(config("system_instruction")), definitions(config("tools"))),
            self.stream,
        )

    def response(self, returned: Any) -> Response:
        chunks = Chunks()
        chunks.add(_whole(returned))
        return chunks.response()


def _whole(returned: Any) -> Any:
    """An answer; where the program asked for the HTTP response instead (`should_return_http_response`), what its body says."""
    body = reader(getattr(returned, "sdk_http_response", None))("body")
    if returned.candidates is None and isinstance(body, str):
        with suppress(ValueError):
            return cast("Any", type(returned)).model_validate_json(body)
    return returned


class GenerateStream(Generate):
    """`_generate_content_stream`, whose iterator the program sees through a generator of the SDK's own."""

    beside = ("generate_content_stream",)
    stream = True

    def deliver(self, invocation: Invocation, returned: Any) -> Any:
        kind = ObservedAsyncIterator if hasattr(returned, "__anext__") else ObservedIterator
        return kind(returned, invocation, Chunks())


def parameters(config: Read) -> dict[str, AttributeValue]:
    """Attributes for the settings that the conventions name."""
    found: dict[str, AttributeValue] = {name: value for field, name in _NAMES.items() if (value := config(field)) is not None}
    top_k, count, stop = config("top_k"), config("candidate_count"), config("stop_sequences")
    if top_k is not None:
        found[semconv.REQUEST_TOP_K] = int(top_k)
    if count is not None and count != 1:
        found[semconv.REQUEST_CHOICE_COUNT] = count
    if stop:
        found[semconv.REQUEST_STOP_SEQUENCES] = tuple(stop)
    thinking = config("thinking_config")
    level = None if thinking is None else word(reader(thinking)("thinking_level"))
    if level:
        found[semconv.REQUEST_REASONING_LEVEL] = level.lower()
    produced = output_type(config)
    if produced:
        found[semconv.OUTPUT_TYPE] = produced
    return found


def output_type(config: Read) -> str | None:
    """What is asked for: a schema is JSON, a modality beside text is that one."""
    if config("response_schema") is not None or config("response_json_schema") is not None:
        return "json"
    modalities = [word(modality) for modality in config("response_modalities") or ()]
    if "IMAGE" in modalities:
        return "image"
    if "AUDIO" in modalities:
        return "speech"
    return _MIME_TYPES.get(str(config("response_mime_type"))) or ("text" if modalities == ["TEXT"] else None)
