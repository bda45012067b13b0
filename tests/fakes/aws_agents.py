"""What the default mind of the fake Bedrock says as an agent, a knowledge base, a ranking model or a guardrail. Standard library only."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

from tests.fakes.aws_converse import reply_to
from tests.fakes.openai_wire import prompt_size, split_tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.aws_converse import Event, Json

Said = tuple[Any, dict[str, str], "Json | None"]
"""A JSON value or a list of events, headers beside it, and what it cost."""

_PASSAGES: Final = (
    {"content": {"text": "The tide rises twice a day.", "type": "TEXT"}, "location": {"type": "S3", "s3Location": {"uri": "s3://tides/1"}}},
    {"content": {"text": "Brest is a port.", "type": "TEXT"}, "location": {"type": "WEB", "webLocation": {"url": "https://brest.example"}}},
)


def answer(path: str, body: Json) -> Said | None:
    """The answer of the operation at `path`; None where there is none."""
    for pattern, speak in _OPERATIONS:
        found = pattern.search(path)
        if found:
            return speak(body, found)
    return None


def _agent(body: Json, found: re.Match[str]) -> Said:
    head = {"x-amzn-bedrock-agent-content-type": "text/plain", "x-amz-bedrock-agent-session-id": found[1]}
    text = body.get("inputText") or "back"
    said = reply_to(text)
    usage = {"inputTokens": prompt_size(text), "outputTokens": len(split_tokens(said))}
    events: list[Event] = [("chunk", {"bytes": _encoded(piece)}) for piece in split_tokens(said)]
    if "call me" in text:
        asked: Json = {"actionGroup": "tides", "function": "height", "parameters": [{"name": "port", "type": "string", "value": "Brest"}]}
        events = [("returnControl", {"invocationId": "i-1", "invocationInputs": [{"functionInvocationInput": asked}]})]
    if body.get("enableTrace"):
        output = {"modelInvocationOutput": {"metadata": {"usage": usage}, "traceId": "t-1"}}
        events = [("trace", {"agentId": "A", "sessionId": found[1], "trace": {"orchestrationTrace": output}}), *events]
    return events, head, usage if body.get("enableTrace") else None


def _retrieve(body: Json, found: re.Match[str]) -> Said:
    return {"retrievalResults": [{**passage, "score": 0.9 - place / 2} for place, passage in enumerate(_PASSAGES)]}, {}, None


def _generate(body: Json, found: re.Match[str]) -> Said:
    said = reply_to(body["input"]["text"])
    citation = {"generatedResponsePart": {"textResponsePart": {"text": said}}, "retrievedReferences": [_PASSAGES[0]]}
    if found[1]:
        events: list[Event] = [("output", {"text": piece}) for piece in split_tokens(said)]
        return (
            [*events, ("citation", {"citation": citation}), ("guardrail", {"action": "NONE"})],
            {"x-amzn-bedrock-knowledge-base-session-id": "s-1"},
            None,
        )
    return {"output": {"text": said}, "citations": [citation], "sessionId": "s-1", "guardrailAction": "NONE"}, {}, None


def _rank(body: Json, found: re.Match[str]) -> Said:
    return {"results": [{"index": index, "relevanceScore": 0.9 - index / 10} for index in range(len(body["sources"]))]}, {}, None


def _guard(body: Json, found: re.Match[str]) -> Said:
    text = " ".join(block["text"]["text"] for block in body["content"] if "text" in block)
    bad = "secret" in text
    outputs = [{"text": "That I may not say."}] if bad else []
    usage = {"topicPolicyUnits": 1, "contentPolicyUnits": 1, "wordPolicyUnits": 0, "sensitiveInformationPolicyUnits": 0}
    usage |= {"sensitiveInformationPolicyFreeUnits": 0, "contextualGroundingPolicyUnits": 0}
    return {"action": "GUARDRAIL_INTERVENED" if bad else "NONE", "outputs": outputs, "assessments": [], "usage": usage}, {}, None


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_OPERATIONS: Final[tuple[tuple[re.Pattern[str], Callable[[Json, re.Match[str]], Said]], ...]] = (
    (re.compile(r"/agents/[^/]+/agentAliases/[^/]+/sessions/([^/]+)/text$"), _agent),
    (re.compile(r"/agents/([^/]+)$"), _agent),
    (re.compile(r"/knowledgebases/([^/]+)/retrieve$"), _retrieve),
    (re.compile(r"/retrieveAndGenerate(Stream)?$"), _generate),
    (re.compile(r"/rerank$"), _rank),
    (re.compile(r"/guardrail/([^/]+)/version/[^/]+/apply$"), _guard),
)
