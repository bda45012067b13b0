"""What is ours in a declarative file (OTEL_CONFIG_FILE): the section `distribution.agentops`, and which instrumentors it turns off.

The file is read once, by `opentelemetry-configuration`. The section's names are those of the AGENTOPS_* variables, in lower case and
without the prefix; a variable that is set comes first. `capture_message_content` stands for
OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT, which is not set: other people's instrumentors read it too.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from agentops.config import PREFIX
from agentops.destinations import CONFIG_FILE_VARIABLE, declarative
from agentops.installed import NAME
from agentops_instrumentors.core import content, environment
from agentops_instrumentors.core.guard import swallowed, warn_once

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.metadata import EntryPoint

_LIBRARY: Final = "opentelemetry.configuration"
_DELIVERY: Final = "agentops.export.delivery"
_CONTENT: Final = "capture_message_content"


def publish() -> None:
    """Take over the settings of the section. Never raises: a file that cannot be read is said where OpenTelemetry is set up by it."""
    try:
        config = _file() if declarative() else None
        if config is not None and not isinstance(config, Exception):
            _publish(_section(config))
    except Exception as error:
        swallowed(CONFIG_FILE_VARIABLE, error)


def configure() -> bool:
    """Set OpenTelemetry up as the file says; False where its SDK has to do that by itself. Raises what is wrong with the file."""
    config = _file()
    if config is None:
        return False
    if isinstance(config, Exception):
        raise config
    _library().configure_sdk(config)
    if _DELIVERY in sys.modules:
        # Exporters with a key of their own are nobody else's to give their time at the end of the program.
        sys.modules[_DELIVERY].share_exit_time()
    return True


def turned_off(entry_point: EntryPoint) -> bool:
    """Whether the file says `enabled: false` of an instrumentor."""
    return _options(entry_point.name).get("enabled") is False


def instrumented(entry_point: EntryPoint) -> bool:
    """Whether the file has had an instrumentor loaded, with options of its own."""
    return bool(_instrumentors()) and entry_point.name in _instrumentors() and entry_point.load()().is_instrumented_by_opentelemetry


@cache
def _file() -> Any:
    """The file as the library has it, or the exception that it is refused with; None without the library."""
    library = _library()
    if library is None:
        return None
    try:
        return library.load_config_file(environment.text(CONFIG_FILE_VARIABLE))
    except Exception as error:
        return error


def _library() -> Any:
    try:
        return import_module(_LIBRARY)
    except ImportError:
        return None


def _section(config: Any) -> Mapping[str, object]:
    distributions = cast("Mapping[str, Mapping[str, object]]", config.distribution or {})
    return distributions.get(NAME) or {}


def _publish(section: Mapping[str, object]) -> None:
    for name, value in section.items():
        text = _text(value)
        if text is None:
            warn_once(f"file:{name}", "%s: distribution.agentops.%s is neither a value nor a list of values", CONFIG_FILE_VARIABLE, name)
        elif name == _CONTENT:
            content.set_declared_mode(text)
        elif text:
            os.environ.setdefault(f"{PREFIX}{name.upper()}", text)


def _text(value: object) -> str | None:
    """A value as it stands in a variable, empty for a null; None where it cannot stand in one."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        parts = [_text(each) for each in cast("list[object]", value)]
        return None if None in parts else ",".join(part for part in parts if part)
    if value is None:
        return ""
    return str(value) if isinstance(value, (str, int, float)) else None


def _options(name: str) -> Mapping[str, object]:
    return _instrumentors().get(name) or {}


@cache
def _instrumentors() -> Mapping[str, Mapping[str, object]]:
    config = _file() if declarative() else None
    return getattr(getattr(config, "instrumentation_development", None), "python", None) or {}
