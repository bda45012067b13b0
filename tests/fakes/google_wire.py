"""What the fake Gemini service says: deterministic answers on the wire format of the Gemini API and of Vertex AI. Standard library only.

Model names steer it: `error-429` (any status) answers that error, `thinking` models think first, `blocked` ones refuse the prompt.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Final

from tests.fakes.openai_plan import example

Json = dict[str, Any]

THOUGHTS: Final = 64
CACHED: Final = 100
PIXEL: Final = base64.b64encode(b"\x89PNG a picture").decode()
STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_ERROR: Final = re.compile(r"error-(\d{3})")
_WORD: Final = re.compile(r"\S+")


class ApiError(Exception):
    """An answer with an error status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def body(self) -> Json:
        return {"error": {"code": self.status, "message": str(self), "status": STATUSES.get(self.status, "UNKNOWN")}}


def refuse(model: str) -> None:
    """Raise what a model named after an error answers."""
    failing = _ERROR.search(model)
    if failing:
        raise ApiError(int(failing[1]), "the model is not in the mood")


def generate(model: str, sent: Json, number: int) -> list[Json]:
    """The chunks of one answer, the last of which has the finish reason; an answer in one piece is their sum (`whole`)."""
    refuse(model)
    head = {"modelVersion": model, "responseId": f"resp-{number}"}
    prompt = _count(json.dumps([sent.get("contents"), sent.get("systemInstruction")]))
    cached = CACHED if sent.get("cachedContent") else 0
    usage: Json = {"promptTokenCount": prompt + cached, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt + cached}]}
    if cached:
        usage |= {"cachedContentTokenCount": cached, "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": cached}]}
    if "blocked" in model:
        return [{**head, "promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {**usage, "totalTokenCount": prompt + cached}}]
    thoughts = THOUGHTS if "thinking" in model else 0
    parts: list[Json] = [{"text": "Let me think.", "thought": True}] if thoughts else []
    said = _said(sent)
    chunks: list[Json] = []
    spoken = 0
    total = usage
    for part in [*parts, *said]:
        spoken += 0 if part.get("thought") else _count(json.dumps(part))
        total = {**usage, "candidatesTokenCount": spoken, "totalTokenCount": prompt + cached + spoken + thoughts}
        if thoughts:
            total["thoughtsTokenCount"] = thoughts
        content = {"role": "model", "parts": [part]}
        chunks.append({**head, "candidates": [{"index": 0, "content": content}]})
    # The service says it in every chunk, as far as it got; a client that goes early would know more or less by chance.
    chunks[-1]["usageMetadata"] = total
    chunks[-1]["candidates"][0]["finishReason"] = "STOP"
    others = (sent.get("generationConfig") or {}).get("candidateCount", 1)
    for index in range(1, others):
        chunks[-1]["candidates"].append({"index": index, "content": {"role": "model", "parts": said}, "finishReason": "STOP"})
    return chunks


def whole(chunks: list[Json]) -> Json:
    """One answer of the chunks: texts of one kind joined."""
    last = chunks[-1]
    if "candidates" not in last:
        return last
    parts: list[Json] = []
    for chunk in chunks:
        for part in chunk["candidates"][0]["content"]["parts"]:
            if parts and "text" in part and "text" in parts[-1] and part.get("thought") == parts[-1].get("thought"):
                parts[-1] = {**parts[-1], "text": parts[-1]["text"] + part["text"]}
            else:
                parts.append(part)
    first, *rest = last["candidates"]
    return {**last, "candidates": [{**first, "content": {"role": "model", "parts": parts}}, *rest]}


def _said(sent: Json) -> list[Json]:
    last = sent["contents"][-1]
    text = " ".join(part["text"] for part in last.get("parts", ()) if "text" in part)
    answers = [part["functionResponse"] for part in last.get("parts", ()) if "functionResponse" in part]
    functions = [one for tool in sent.get("tools", ()) for one in tool.get("functionDeclarations", ())]
    if functions and not answers:
        return [_call(function, text, number) for number, function in enumerate(functions) if function["name"] in text or number == 0]
    if answers:
        return _words("The result is: " + json.dumps(answers[-1]["response"]))
    settings = sent.get("generationConfig") or {}
    schema = settings.get("responseSchema") or settings.get("responseJsonSchema")
    if schema:
        return _words(json.dumps(example(_lower(schema), text)))
    if "IMAGE" in settings.get("responseModalities", ()):
        return [{"inlineData": {"mimeType": "image/png", "data": PIXEL}}]
    if any("codeExecution" in tool for tool in sent.get("tools", ())):
        ran = {"outcome": "OUTCOME_OK", "output": "3\n"}
        return [{"executableCode": {"language": "PYTHON", "code": "print(1+2)"}}, {"codeExecutionResult": ran}, {"text": "It is 3."}]
    return _words(f"You said: {text}")


def _call(function: Json, text: str, number: int) -> Json:
    # Some versions of the SDK send this one as it is called in Python.
    names = ("parameters_json_schema", "parametersJsonSchema", "parameters")
    schema: Json = next((function[name] for name in names if function.get(name)), {"type": "object"})
    call = {"name": function["name"], "args": example(_lower(schema), text), "id": f"call-{number}"}
    return {"functionCall": call, "thoughtSignature": base64.b64encode(b"sig").decode()}


def _lower(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: value.lower() if name == "type" and isinstance(value, str) else _lower(value) for name, value in schema.items()}
    return [_lower(item) for item in schema] if isinstance(schema, list) else schema


def _words(text: str) -> list[Json]:
    return [{"text": word} for word in re.findall(r"\s*\S+", text)]


def _count(text: str) -> int:
    return len(_WORD.findall(text))


def embed(model: str, texts: list[Any], dimensions: int | None) -> list[Json]:
    """One vector a text."""
    refuse(model)
    size = dimensions or 4
    return [{"values": [round(0.1 * (position + 1), 1) for position in range(size)]} for _ in texts]


def pictures(model: str, sent: Json) -> Json:
    """Pictures as `predict` answers them."""
    refuse(model)
    count = (sent.get("parameters") or {}).get("sampleCount", 1)
    return {"predictions": [{"bytesBase64Encoded": PIXEL, "mimeType": "image/png"}] * count}
