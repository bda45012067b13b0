"""One normalised meaning of token usage, whatever the vendor counts.

`input_tokens` includes cached tokens; cache and modality counts are subsets of input, reasoning of output.
"""

from __future__ import annotations

from msgspec import Struct

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
        """Span attributes for the counts that are known (and, beyond input and output, not zero)."""
        found: dict[str, int] = {}
        if self.input_tokens is not None:
            found[semconv.USAGE_INPUT_TOKENS] = self.input_tokens
        if self.output_tokens is not None:
            found[semconv.USAGE_OUTPUT_TOKENS] = self.output_tokens
        if self.cache_read is not None:
            found[semconv.USAGE_CACHE_READ_INPUT_TOKENS] = self.cache_read
        if self.reasoning is not None:
            found[semconv.USAGE_REASONING_OUTPUT_TOKENS] = self.reasoning
        for field, name in _WHEN_USED:
            count = getattr(self, field)
            if count:
                found[name] = count
        return found


_WHEN_USED = (
    ("cache_write", semconv.USAGE_CACHE_WRITE_INPUT_TOKENS),
    ("text_input", semconv.USAGE_TEXT_INPUT_TOKENS),
    ("text_output", semconv.USAGE_TEXT_OUTPUT_TOKENS),
    ("audio_input", semconv.USAGE_AUDIO_INPUT_TOKENS),
    ("audio_output", semconv.USAGE_AUDIO_OUTPUT_TOKENS),
    ("audio_cache_read", semconv.USAGE_AUDIO_CACHE_READ_INPUT_TOKENS),
    ("image_input", semconv.USAGE_IMAGE_INPUT_TOKENS),
    ("image_output", semconv.USAGE_IMAGE_OUTPUT_TOKENS),
)
