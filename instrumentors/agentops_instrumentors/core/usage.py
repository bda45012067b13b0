"""One normalised meaning of token usage, whatever the vendor counts.

`input_tokens` includes cached tokens; cache and modality counts are subsets of input, reasoning of output.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import astuple

from agentops_instrumentors.core import semconv


class Usage(Struct, frozen=True, gc=False):
    """Tokens of one operation; None means the vendor did not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    text_input: int | None = None
    text_output: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    audio_cache_read: int | None = None
    image_input: int | None = None
    image_output: int | None = None

    def attributes(self) -> dict[str, int]:
        """Span attributes for the counts that are known; those that few operations have only where they are not zero."""
        found: dict[str, int] = {}
        if self.input_tokens is not None:
            found[semconv.USAGE_INPUT_TOKENS] = self.input_tokens
        if self.output_tokens is not None:
            found[semconv.USAGE_OUTPUT_TOKENS] = self.output_tokens
        if self.cache_read is not None:
            found[semconv.USAGE_CACHE_READ_INPUT_TOKENS] = self.cache_read
        if self.cache_write is not None:
            found[semconv.USAGE_CACHE_WRITE_INPUT_TOKENS] = self.cache_write
        if self.reasoning is not None:
            found[semconv.USAGE_REASONING_OUTPUT_TOKENS] = self.reasoning
        rare = astuple(self)[-len(_UNLESS_ZERO) :]
        if any(rare):
            found.update((name, count) for name, count in zip(_UNLESS_ZERO, rare, strict=True) if count)
        return found


_UNLESS_ZERO = (
    semconv.USAGE_TEXT_INPUT_TOKENS,
    semconv.USAGE_TEXT_OUTPUT_TOKENS,
    semconv.USAGE_AUDIO_INPUT_TOKENS,
    semconv.USAGE_AUDIO_OUTPUT_TOKENS,
    semconv.USAGE_AUDIO_CACHE_READ_INPUT_TOKENS,
    semconv.USAGE_IMAGE_INPUT_TOKENS,
    semconv.USAGE_IMAGE_OUTPUT_TOKENS,
)
"""Attributes of the last fields, in the fields' order."""
