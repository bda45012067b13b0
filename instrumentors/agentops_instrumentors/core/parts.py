"""Parts that vendors' message formats have in common: values as plain data, without the bytes of what they embed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from agentops_instrumentors.core.blobs import blob

if TYPE_CHECKING:
    from agentops_instrumentors.core.messages import Part


def generic(item: Any) -> dict[str, Any]:
    """An item the conventions have no part for, as it is, with its `type`."""
    said = plain(item)
    return {"type": "unknown", **(cast("dict[str, Any]", said) if isinstance(said, dict) else {"content": str(said)})}


def plain(value: Any) -> Any:
    """A vendor's model, or what callers give instead of one, as plain data without embedded bytes."""
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return elided(dump(mode="json", exclude_none=True, warnings=False))
    return [plain(item) for item in cast("list[Any]", value)] if isinstance(value, list) else elided(value)


def elided(value: Any) -> Any:
    """`value` with blobs in place of its bytes, `data:` URLs and base64 sources, however deep they lie."""
    if isinstance(value, str):
        return data_url(value) if value.startswith("data:") and ";base64," in value[:128] else value
    if isinstance(value, (bytes, bytearray)):
        return blob_of(bytes(value), None)
    if isinstance(value, dict):
        found = cast("dict[Any, Any]", value)
        if found.get("type") == "base64" and isinstance(found.get("data"), str):
            return blob_of(found["data"], found.get("media_type"))
        return {key: elided(item) for key, item in found.items()}
    return [elided(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def data_url(url: str, modality: str = "document") -> Part:
    """A `data:` URL as a blob without its bytes; its media type overrules `modality`."""
    comma = url.find(",")
    comma = len(url) if comma < 0 else comma
    return blob_of(url, url[5:comma].partition(";")[0] or None, modality, comma + 1)


def blob_of(data: str | bytes, mime_type: str | None, modality: str = "document", start: int = 0) -> Part:
    """A blob whose media type overrules `modality`; base64 text begins at `start`."""
    kind = (mime_type or "").partition("/")[0]
    return blob(kind if kind in ("image", "audio", "video") else modality, data, mime_type, start)


def arguments(text: Any) -> Any:
    """Tool arguments as the value their JSON text stands for, or the text itself where it is not JSON (cut off, say)."""
    if not isinstance(text, str):
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text
