"""Settings as programs give them: to `init()`, `configure()` and `start_session(config=…)`."""

from __future__ import annotations

import dataclasses
import json
import logging
from typing import TYPE_CHECKING, Final, cast

from agentops.config import Settings, masked, settings
from agentops.parameters import unknown_parameter, without_meaning
from agentops.sessions.tags import split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentops.sessions.tags import Tags

WITHOUT_MEANING: Final = {
    "parent_key": "projects have no parent keys",
    "auto_init": "nothing initialises at import, and every function initialises when it is needed",
    "fail_safe": "telemetry never raises into the program",
    "prefetch_jwt_token": "whatever the exporter needs it gets in the background",
}
OF_ONE_SESSION: Final = frozenset({"default_tags", "trace_name"})
"""What a `Config` changes for the session it is given to, and for that one only."""
_ALIASES: Final = {"tags", "parent_key"}
_SETTINGS: Final = tuple(field.name for field in dataclasses.fields(Settings))
_BUILT_IN: Final = {"env_data_opt_out": "the resource has been made"}
_BUILT_IN_EXPORTER: Final = dict.fromkeys(("max_queue_size", "export_flush_interval"), "the AgentOps exporter has been made")

_Values = dict[str, object]


class Config:
    """Settings to use where they are given, by the names of `init()`'s parameters; what is left out stays as it is.

    Read, an attribute is the value given, or the one in force. Raises TypeError for an unknown name.
    """

    __slots__ = ("_chosen",)

    _chosen: _Values

    def __init__(self, **chosen: object) -> None:
        object.__setattr__(self, "_chosen", {})
        self.configure(**chosen)

    def configure(self, **chosen: object) -> None:
        """Change settings of this object."""
        self._chosen.update(normalised("Config", chosen))

    def chosen(self) -> _Values:
        """What was given."""
        return dict(self._chosen)

    def dict(self) -> _Values:
        """Every setting by name: as given, or as in force. The API key is shortened."""
        values: _Values = {name: getattr(self, name) for name in _SETTINGS}
        key = values["api_key"]
        return {**values, "api_key": masked(str(key)) if key else None}

    def json(self) -> str:
        """`dict()` as JSON text."""
        return json.dumps(self.dict(), default=str)

    def __getattr__(self, name: str) -> object:
        if name not in _SETTINGS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self._chosen[name] if name in self._chosen else getattr(settings(), name)

    def __setattr__(self, name: str, value: object) -> None:
        self.configure(**{name: value})

    def __repr__(self) -> str:
        return f"Config({', '.join(f'{name}=…' for name in self._chosen)})"


Configuration = Config


def normalised(where: str, given: Mapping[str, object]) -> dict[str, object]:
    """What was given, without None and under the names of `Settings`; TypeError for an unknown name.

    `tags` are added to `default_tags`, `max_wait_time` is the older name of `export_flush_interval`, both in milliseconds.
    """
    known = {*_SETTINGS, *_ALIASES}
    unknown = given.keys() - known
    if unknown:
        raise unknown_parameter(where, min(unknown), sorted(known))
    without_meaning(where, given, WITHOUT_MEANING)
    found = {name: value for name, value in given.items() if value is not None and name not in _ALIASES}
    if given.get("tags") is not None or "default_tags" in found:
        plain = [*split(cast("Tags", found.get("default_tags")))[0], *split(cast("Tags", given.get("tags")))[0]]
        found["default_tags"] = tuple(dict.fromkeys(plain))
    if "max_wait_time" in found:
        found.setdefault("export_flush_interval", found["max_wait_time"])
    if isinstance(found.get("log_level"), int):
        found["log_level"] = logging.getLevelName(cast("int", found["log_level"]))
    return found


def of(config: object) -> dict[str, object]:
    """The settings in a `Config`, a mapping, or None."""
    if config is None:
        return {}
    if isinstance(config, Config):
        return config.chosen()
    return normalised("config", dict(cast("Mapping[str, object]", config)))


def unchangeable(chosen: Mapping[str, object]) -> dict[str, str]:
    """Which of `chosen` differ from what is in force and can't change once recording has started, and why."""
    now = settings()
    fixed = {**_BUILT_IN, **(_BUILT_IN_EXPORTER if now.api_key else {})}
    return {name: reason for name, reason in fixed.items() if name in chosen and chosen[name] != getattr(now, name)}
