"""SDKs and frameworks that emit OpenTelemetry spans by themselves: which are installed, whether they do, and with what content."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from packaging.version import InvalidVersion, Version

from agentops.doctor.facts import Native
from agentops_instrumentors.core import environment

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Emitter(Struct, frozen=True):
    """One library. A switch or a content setting is (variable, values that turn it on); no values: any but those of `_OFF`."""

    library: str
    since: str
    scope: str
    default: bool | None
    """Whether it emits where nothing is set; None where only the program's code decides."""
    switch: tuple[str, tuple[str, ...]] | None = None
    content: tuple[str, tuple[str, ...]] | bool | None = None
    """The setting that turns content on; True or False where there is none; None where only the program's code decides."""
    with_ours: str = "kept: it describes what ours does not"


_OFF: Final = frozenset({"false", "0", "off", "no"})
_STANDS_DOWN: Final = "stand down where ours counts the call"
_EMITTERS: Final = (
    _Emitter(
        "anthropic",
        "1.0",
        "com.anthropic.sdk.python",
        True,
        ("ANTHROPIC_OPEN_TELEMETRY", ()),
        ("ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE", ("content",)),
        _STANDS_DOWN,
    ),
    _Emitter("mistralai", "3.0", "mistralai", False, ("MISTRAL_SDK_TELEMETRY", ("global", "dedicated")), True),
    _Emitter("mcp", "2.0", "mcp-python-sdk", True, None, False),
    _Emitter("pydantic-ai", "0.1", "pydantic-ai", None),
    _Emitter("pydantic-ai-slim", "0.1", "pydantic-ai", None),
    _Emitter("google-adk", "0.1", "gcp.vertex.agent", True, None, ("ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS", ())),
    _Emitter("strands-agents", "0.1", "strands.telemetry.tracer", True, None, True),
    _Emitter("semantic-kernel", "1.0", "semantic_kernel", None),
    _Emitter("agent-framework", "0.1", "agent_framework", None),
    _Emitter("litellm", "1.0", "litellm", None),
    _Emitter("haystack-ai", "2.0", "haystack", None),
    _Emitter("vllm", "0.5", "vllm.llm_engine", None),
    _Emitter("xai-sdk", "1.0", "xai_sdk", None),
)


def natives() -> tuple[Native, ...]:
    """Those that are installed in a version that emits."""
    return tuple(_found())


def _found() -> Iterator[Native]:
    for emitter in _EMITTERS:
        try:
            there = version(emitter.library)
            if Version(there) < Version(emitter.since):
                continue
        except (PackageNotFoundError, InvalidVersion):
            continue
        emits = _told(emitter.switch, emitter.default)
        content = _told(emitter.content if isinstance(emitter.content, tuple) else None, _default(emitter.content))
        yield Native(emitter.library, there, emitter.scope, emits, content, emitter.with_ours)


def _default(content: tuple[str, tuple[str, ...]] | bool | None) -> bool | None:
    # A setting that turns on what it names is off without it; one that turns off is on.
    return not content[1] if isinstance(content, tuple) else content


def _told(setting: tuple[str, tuple[str, ...]] | None, default: bool | None) -> str:
    if setting is None:
        return "unknown: the program's code decides" if default is None else "yes, always" if default else "no"
    name, turning_on = setting
    value = environment.text(name).lower()
    if not value:
        return f"{'yes' if default else 'no'}: {name} is unset"
    return f"{'yes' if (value in turning_on if turning_on else value not in _OFF) else 'no'}: {name}={value}"
