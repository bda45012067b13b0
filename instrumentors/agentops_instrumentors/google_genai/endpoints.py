"""Every patched method of the google-genai SDK. Chats are not here: they ask the models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentops_instrumentors.core import semconv
from agentops_instrumentors.google_genai.functions import Answering, CallFunction, CallMcpTool
from agentops_instrumentors.google_genai.generate import Generate, GenerateStream
from agentops_instrumentors.google_genai.jobs import Job
from agentops_instrumentors.google_genai.live import ENDPOINTS as LIVE
from agentops_instrumentors.google_genai.others import Embed, FetchVideos, Images, Videos

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentops_instrumentors.core.endpoint import Endpoint

_CALLS: Final = "google.genai._extra_utils"


def _both(module: str, owner: str, *methods: tuple[str, Callable[[str], Endpoint]]) -> list[Endpoint]:
    """Endpoints of the methods of a module's sync and async class."""
    kinds = (owner, f"Async{owner}")
    return [make(f"google.genai.{module}:{kind}.{name}") for kind in kinds for name, make in methods]


def _job(operation: str, versions: str = "") -> Callable[[str], Endpoint]:
    return lambda target: Job(target, operation, versions)


ENDPOINTS: Final = (
    *_both(
        "models",
        "Models",
        ("_generate_content", Generate),
        ("_generate_content_stream", GenerateStream),
        ("embed_content", Embed),
        ("count_tokens", _job(semconv.COUNT_TOKENS)),
        ("_generate_images", Images),
        ("_edit_image", Images),
        ("_upscale_image", Images),
        ("recontext_image", Images),
        ("_generate_videos", Videos),
    ),
    *_both("operations", "Operations", ("get", FetchVideos)),
    *_both(
        "batches",
        "Batches",
        ("create", _job(semconv.CREATE_BATCH)),
        ("_create_embeddings", _job(semconv.CREATE_BATCH, ">=1.34")),
        ("get", _job(semconv.FETCH_RESPONSE)),
        ("cancel", _job(semconv.CANCEL_BATCH)),
    ),
    *_both(
        "caches",
        "Caches",
        ("create", _job(semconv.CREATE_CACHE)),
        ("update", _job(semconv.UPDATE_CACHE)),
        ("delete", _job(semconv.DELETE_CACHE)),
    ),
    Answering(f"{_CALLS}:get_function_response_parts"),
    Answering(f"{_CALLS}:get_function_response_parts_async"),
    CallFunction(f"{_CALLS}:invoke_function_from_dict_args"),
    CallFunction(f"{_CALLS}:invoke_function_from_dict_args_async"),
    CallMcpTool("google.genai._adapters:McpToGenAiToolAdapter.call_tool"),
    *LIVE,
)
