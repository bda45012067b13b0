"""Embeddings, images and videos: one request each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.endpoint import Endpoint
from agentops_instrumentors.core.messages import Content, Message, Part, TextPart
from agentops_instrumentors.core.operation import AttributeValue, Call, Request, Response
from agentops_instrumentors.core.parts import blob_of
from agentops_instrumentors.core.reading import Read, reader
from agentops_instrumentors.core.usage import Usage
from agentops_instrumentors.formats.gemini import media
from agentops_instrumentors.google_genai.client import request

if TYPE_CHECKING:
    from collections.abc import Iterable


class Embed(Endpoint):
    """`embed_content(model=, contents=, config=)`. Neither the contents nor the vectors are recorded."""

    def request(self, instance: Any, call: Call) -> Request:
        config = reader(call.kwargs.get("config"))
        attributes: dict[str, AttributeValue] = {}
        size = config("output_dimensionality")
        if size is not None:
            attributes[semconv.EMBEDDINGS_DIMENSION_COUNT] = size
        return request(semconv.EMBEDDINGS, instance, call.kwargs.get("model"), config, attributes)

    def response(self, returned: Any) -> Response:
        vectors = returned.embeddings or ()
        attributes: dict[str, AttributeValue] = {}
        if vectors and vectors[0].values:
            attributes[semconv.EMBEDDINGS_DIMENSION_COUNT] = len(vectors[0].values)
        return Response(usage=_embedded(returned, vectors), attributes=attributes)


def _embedded(returned: Any, vectors: Iterable[Any]) -> Usage | None:
    """Vertex AI counts each text's tokens; the Gemini API, lately, the whole request's."""
    reported = getattr(returned, "usage_metadata", None)
    counts = [getattr(reported, "prompt_token_count", None)]
    if counts == [None]:
        counts = [vector.statistics.token_count for vector in vectors if vector.statistics is not None]
    known = [int(count) for count in counts if count is not None]
    return Usage(sum(known)) if known else None


class Images(Endpoint):
    """`_generate_images`, `_edit_image`, `_upscale_image` and `recontext_image`: pictures of a text, or of other pictures."""

    produced = "image"

    def request(self, instance: Any, call: Call) -> Request:
        kwargs = call.kwargs
        config = reader(kwargs.get("config"))
        attributes: dict[str, AttributeValue] = {semconv.OUTPUT_TYPE: self.produced} if self.produced else {}
        count = config("number_of_images") or config("number_of_videos")
        if count is not None and count != 1:
            attributes[semconv.REQUEST_CHOICE_COUNT] = count
        if config("seed") is not None:
            attributes[semconv.REQUEST_SEED] = config("seed")
        return request(semconv.GENERATE_CONTENT, instance, kwargs.get("model"), config, attributes, lambda: Content([_asked(kwargs)]))

    def response(self, returned: Any) -> Response:
        images = returned.generated_images or ()
        reasons = ["stop" if image.image is not None else "content_filter" for image in images]
        messages = [
            Message("assistant", _pictures([image.image]), finish_reason=reason) for image, reason in zip(images, reasons, strict=True)
        ]
        return Response(finish_reasons=reasons, messages=lambda: messages)


class Videos(Images):
    """`_generate_videos`: it begins one, and its operation is asked for the rest."""

    beside = ("generate_videos",)
    produced = ""

    def response(self, returned: Any) -> Response:
        return video(returned)


class FetchVideos(Endpoint):
    """`operations.get(operation)`: a video as far as it got. Other operations are left alone."""

    def request(self, instance: Any, call: Call) -> Request | None:
        operation: Any = call.args[0] if call.args else call.kwargs.get("operation")
        if "Video" not in type(operation).__name__ or not operation.name:
            return None
        config = reader(call.kwargs.get("config"))
        return request(semconv.FETCH_RESPONSE, instance, None, config, {semconv.RESPONSE_ID: operation.name})

    def response(self, returned: Any) -> Response:
        return video(returned)


def video(operation: Any) -> Response:
    """A long-running operation that makes a video."""
    error = operation.error
    status = "failed" if error else "completed" if operation.done else "in_progress"
    answer = operation.response or operation.result
    videos = [one.video for one in (answer.generated_videos if answer is not None else None) or ()]
    code = reader(error)("code") if error else None
    return Response(
        id=operation.name,
        finish_reasons=["error"] if error else ["stop"] * len(videos),
        attributes={semconv.RESPONSE_STATUS: status},
        messages=(lambda: [Message("assistant", _pictures([one]), finish_reason="stop") for one in videos]) if videos else None,
        error_type=str(code or "failed") if error else None,
    )


def _asked(kwargs: Any) -> Message:
    source = reader(kwargs.get("source"))
    parts: list[Part] = []
    prompt = kwargs.get("prompt") or source("prompt")
    if prompt:
        parts.append(TextPart(str(prompt)))
    references = [reader(one)("reference_image") for one in cast("list[Any]", kwargs.get("reference_images") or ())]
    products = [reader(one)("product_image") for one in cast("list[Any]", source("product_images") or ())]
    own = (kwargs.get(name) or source(name) for name in ("image", "video", "person_image"))
    return Message("user", [*parts, *_pictures([*own, *references, *products])])


def _pictures(items: Iterable[Any]) -> list[Part]:
    return [part for item in items if item is not None and (part := _picture(reader(item))) is not None]


def _picture(read: Read) -> Part | None:
    uri = read("gcs_uri") or read("uri")
    if uri:
        return media(str(uri), read("mime_type"), "video" if read("video_bytes") or str(uri).endswith(".mp4") else "image")
    data = read("image_bytes") or read("video_bytes")
    return None if not data else blob_of(data, read("mime_type"), "image" if read("image_bytes") else "video")
