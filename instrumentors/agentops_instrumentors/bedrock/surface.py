"""What one operation of Bedrock is to the dispatcher, and what all of them have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from agentops_instrumentors.core.operation import AttributeValue, Request, Response
from agentops_instrumentors.core.plain import dig
from agentops_instrumentors.core.semconv import AWS_BEDROCK_GUARDRAIL_ID, PROMPT_NAME, PROMPT_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROVIDER = "aws.bedrock"
_NAMED_BY_ARN = ("foundation-model/", "inference-profile/")


class Asked(Request, frozen=True, gc=False, kw_only=True):
    """A request with what its answer is read by."""

    surface: Surface
    detail: Any = None
    """What the surface itself keeps of the request."""

    def error_code(self, error: BaseException) -> str | None:
        code = dig(getattr(error, "response", None), "Error", "Code")
        # In the middle of a stream the same codes begin with a small letter.
        return f"{code[:1].upper()}{code[1:]}" if code else None

    def error_status(self, error: BaseException) -> int | None:
        return dig(getattr(error, "response", None), "ResponseMetadata", "HTTPStatusCode")


class Surface:
    """One operation: pure functions from its parameters and its answer to ours."""

    service: ClassVar[str] = "bedrock-runtime"
    stream: ClassVar[str | None] = None
    """The member of the answer that is a stream of events."""
    body: ClassVar[str | None] = None
    """The member of the answer that is a body the caller reads."""

    def request(self, params: Mapping[str, Any], server: tuple[str, int] | None) -> Asked | None:
        """What is asked for; None where it is no GenAI operation."""
        raise NotImplementedError

    def response(self, answer: Mapping[str, Any], asked: Asked) -> Response:
        """What came back. A stream's `answer` is what `whole` made of it."""
        raise NotImplementedError

    def whole(self, head: Mapping[str, Any], events: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
        """The answer that a stream's events amount to, in the shape of one not streamed; an event is its type and decoded payload."""
        raise NotImplementedError


def request_id(answer: Mapping[str, Any]) -> str | None:
    """The service's only name for a completion."""
    return dig(answer, "ResponseMetadata", "RequestId")


def header_count(answer: Mapping[str, Any], name: str) -> int | None:
    """A count that the service tells in the header `x-amzn-bedrock-<name>`."""
    told = str(dig(answer, "ResponseMetadata", "HTTPHeaders", f"x-amzn-bedrock-{name}"))
    return int(told) if told.isdecimal() else None


def model_of(identifier: Any) -> tuple[str | None, dict[str, AttributeValue]]:
    """The model that `modelId` or `modelArn` names, and the prompt if it is one of prompt management.

    The ARN of a foundation model or of a system-defined inference profile ends in the id that may be given in its place; other ARNs
    (application inference profiles, provisioned and imported models, routers) are a model's only name.
    """
    if not isinstance(identifier, str):
        return None, {}
    resource = identifier.rpartition(":bedrock:")[2].split(":", 2)[-1] if identifier.startswith("arn:") else ""
    if resource.startswith("prompt/"):
        name, _, version = resource.removeprefix("prompt/").partition(":")
        return None, {PROMPT_NAME: name, PROMPT_VERSION: version} if version else {PROMPT_NAME: name}
    if resource.startswith(_NAMED_BY_ARN):
        return resource.partition("/")[2], {}
    return identifier, {}


def guardrail(identifier: Any) -> dict[str, AttributeValue]:
    """The guardrail asked for, by its id or ARN."""
    return {AWS_BEDROCK_GUARDRAIL_ID: identifier} if identifier else {}
