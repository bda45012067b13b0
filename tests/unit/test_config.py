"""Settings: one warning for each variable that is unknown or not accepted, and the default in its place."""

from __future__ import annotations

import dataclasses
import logging
import re
from pathlib import Path

import pytest

from agentops import config
from agentops.store.files import Limits
from agentops_instrumentors.core import content, guard, metrics
from tests.e2e.combinations import KEY

ACCEPTED = {
    "AGENTOPS_API_KEY": (KEY, "api_key", KEY),
    "AGENTOPS_API_ENDPOINT": ("http://localhost:1/", "endpoint", "http://localhost:1"),
    "AGENTOPS_APP_URL": ("https://app", "app_url", "https://app"),
    "AGENTOPS_EXPORTER_ENDPOINT": ("http://h/v1/traces", "exporter_endpoint", "http://h/v1/traces"),
    "AGENTOPS_MAX_WAIT_TIME": ("7", "max_wait_time", 7),
    "AGENTOPS_MAX_QUEUE_SIZE": ("5000", "max_queue_size", 5000),
    "AGENTOPS_EXPORT_FLUSH_INTERVAL": ("10", "export_flush_interval", 10),
    "AGENTOPS_DEFAULT_TAGS": ("a, b,,a", "default_tags", ("a", "b", "a")),
    "AGENTOPS_TRACE_NAME": (" mine ", "trace_name", "mine"),
    "AGENTOPS_INSTRUMENT_LLM_CALLS": ("no", "instrument_llm_calls", False),
    "AGENTOPS_AUTO_START_SESSION": ("0", "auto_start_session", False),
    "AGENTOPS_AUTO_INIT": ("F", "auto_init", False),
    "AGENTOPS_SKIP_AUTO_END_SESSION": ("T", "skip_auto_end_session", True),
    "AGENTOPS_ENV_DATA_OPT_OUT": ("1", "env_data_opt_out", True),
    "AGENTOPS_LOG_LEVEL": ("debug", "log_level", "DEBUG"),
    "AGENTOPS_FAIL_SAFE": ("yes", "fail_safe", True),
    "AGENTOPS_LOG_SESSION_REPLAY_URL": ("False", "log_session_replay_url", False),
    "AGENTOPS_PREFETCH_JWT_TOKEN": ("off", "prefetch_jwt_token", False),
    "AGENTOPS_PROJECT_ID": ("p-1", "project_id", "p-1"),
    "AGENTOPS_CAPTURE_STDOUT": ("true", "capture_stdout", True),
    "AGENTOPS_UPLOAD_LOGS": ("1", "upload_logs", True),
    "AGENTOPS_TRACE_PARENT": ("CURRENT", "trace_parent", "current"),
    "AGENTOPS_EXPORT": ("ALL", "export", "all"),
    "AGENTOPS_SPOOL": ("True", "spool", True),
}
REFUSED = {
    "AGENTOPS_API_ENDPOINT": "api.agentops.ai",
    "AGENTOPS_MAX_WAIT_TIME": "soon",
    "AGENTOPS_MAX_QUEUE_SIZE": "0",
    "AGENTOPS_EXPORT_FLUSH_INTERVAL": "-5",
    "AGENTOPS_AUTO_START_SESSION": "perhaps",
    "AGENTOPS_LOG_LEVEL": "loud",
    "AGENTOPS_TRACE_PARENT": "sideways",
    "AGENTOPS_EXPORT": "llm",
    "AGENTOPS_SPOOL": "disk",
}


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings unread and nothing said yet; both as they were afterwards."""
    monkeypatch.delenv("AGENTOPS_LOCAL_DIR", raising=False)
    monkeypatch.setattr(config, "_current", None)
    monkeypatch.setattr(guard, "_said", set())
    logger, level = logging.getLogger("agentops"), logging.getLogger("agentops").level
    yield  # type: ignore[misc]
    logger.setLevel(level)


@pytest.mark.parametrize("name", ACCEPTED)
def test_every_variable_is_read(name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    value, field, expected = ACCEPTED[name]
    monkeypatch.setenv(name, value)
    assert getattr(config.settings(), field) == expected
    assert caplog.messages == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_value_not_accepted_is_said_once_and_the_default_used(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    field = ACCEPTED[name][1]
    default = getattr(config.settings(), field)
    config._current = None
    monkeypatch.setenv(name, REFUSED[name])
    config.settings()
    config.settings()
    (message,) = caplog.messages
    assert name in message
    assert REFUSED[name] in message
    assert "expected" in message
    assert getattr(config.settings(), field) == default


READ_WHERE_USED = {
    "AGENTOPS_LOCAL_MAX_BYTES": ("1GB", lambda: Limits.from_environment().max_bytes, 512 * 1024 * 1024),
    "AGENTOPS_LOCAL_MAX_AGE_DAYS": ("0", lambda: Limits.from_environment().max_age_days, 30),
    "AGENTOPS_GENAI_METRICS": ("all", metrics.profile, metrics.Profile.PUBLISHED),
    "AGENTOPS_CONTENT_MAX_BYTES": ("10", lambda: content.policy().max_bytes, 1024 * 1024),
}


@pytest.mark.parametrize("name", READ_WHERE_USED)
def test_a_value_read_where_it_is_used_is_checked_there(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    value, read, default = READ_WHERE_USED[name]
    monkeypatch.setattr(content, "_policy", None)
    monkeypatch.setenv(name, value)
    config.settings()
    assert read() == default
    (message,) = caplog.messages
    assert name in message
    assert repr(value) in message
    monkeypatch.setattr(content, "_policy", None)


def test_an_unknown_variable_names_the_nearest(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("AGENTOPS_EXPORT_ENDPOINT", "http://x")
    config.settings()
    (message,) = caplog.messages
    assert all(part in message for part in ("AGENTOPS_EXPORT_ENDPOINT", "'http://x'", "AGENTOPS_EXPORTER_ENDPOINT"))


@pytest.mark.parametrize("name", ["AGENTOPS_API_KEY", "AGENTOPS_APIKEY"])
def test_a_key_is_never_logged_whole(name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv(name, "not-a-uuid-but-secret")
    config.settings()
    (message,) = caplog.messages
    assert name in message
    assert "not-" in message
    assert "secret" not in message


def test_a_key_given_in_code_is_checked_too(caplog: pytest.LogCaptureFixture) -> None:
    assert config.configure_settings(api_key="wrong-and-secret").api_key == "wrong-and-secret"
    (message,) = caplog.messages
    assert "UUID" in message
    assert "secret" not in message


def test_arguments_win_over_the_environment_and_none_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTOPS_API_KEY", KEY)
    changed = config.configure_settings(api_key=None, trace_name="mine", default_tags=["a"])
    assert (changed.api_key, changed.trace_name, changed.default_tags) == (KEY, "mine", ("a",))
    assert config.settings() is changed


def test_an_unknown_setting_is_said_and_ignored(caplog: pytest.LogCaptureFixture) -> None:
    before = config.settings()
    assert config.configure_settings(trace_nam="mine") == before
    assert "trace_name" in caplog.messages[0]


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.settings().api_key = "x"  # type: ignore[misc]


def test_every_variable_the_code_reads_is_known() -> None:
    root = Path(__file__).parents[2]
    read: set[str] = set()
    for folder in ("src", "instrumentors"):
        for file in (root / folder).rglob("*.py"):
            read |= set(re.findall(r'"(AGENTOPS_[A-Z_]+)"', file.read_text(encoding="utf-8")))
    assert read - {"AGENTOPS_LOGGING_TO_FILE", "AGENTOPS_"} == ACCEPTED.keys() | config._READ_WHERE_USED
