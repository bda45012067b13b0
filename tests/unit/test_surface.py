"""The whole surface: every name, every deep import, every parameter, and what a wrong one is told."""

from __future__ import annotations

import inspect
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

import agentops
from agentops import parameters
from agentops.config import Config, configure_settings, settings
from agentops.exceptions import ConfigurationError
from agentops.sessions import api
from agentops.sessions.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "0f6f0e3a-61f1-4c2f-9a58-1d7a3a0f7b11"

DEEP = {
    "agentops": (
        "start_session end_session track_agent track_tool end_all_sessions Session ToolEvent ErrorEvent ActionEvent LLMEvent init "
        "start_trace end_trace update_trace_metadata Client get_client trace session agent task workflow operation tool guardrail "
        "track_endpoint TraceState SUCCESS ERROR UNSET validate_trace_spans print_validation_summary ValidationError configure record "
        "TraceContext tracer logger StatusCode SpanKind SpanAttributes AgentAttributes ToolAttributes WorkflowAttributes CoreAttributes "
        "get_current_span flush shutdown Config Configuration"
    ),
    "agentops.sdk.decorators": "trace session agent task workflow operation tool guardrail track_endpoint",
    "agentops.sdk.core": "TraceContext tracer",
    "agentops.legacy": "Session start_session end_session end_all_sessions track_agent track_tool record ActionEvent ErrorEvent LLMEvent",
    "agentops.legacy.event": "Event ActionEvent ErrorEvent LLMEvent ToolEvent",
    "agentops.client": "Client get_client",
    "agentops.config": "Config",
    "agentops.semconv": "SpanAttributes AgentAttributes ToolAttributes WorkflowAttributes CoreAttributes SpanKind AgentOpsSpanKindValues",
    "agentops.semconv.span_attributes": "SpanAttributes",
    "agentops.semconv.span_kinds": "SpanKind AgentOpsSpanKindValues",
    "agentops.semconv.agent": "AgentAttributes",
    "agentops.semconv.tool": "ToolAttributes",
    "agentops.semconv.workflow": "WorkflowAttributes",
    "agentops.semconv.core": "CoreAttributes",
    "agentops.semconv.status": "ToolStatus",
    "agentops.semconv.enum": "LLMRequestTypeValues",
    "agentops.semconv.instrumentation": "InstrumentationAttributes",
    "agentops.semconv.meters": "Meters",
    "agentops.semconv.message": "MessageAttributes",
    "agentops.semconv.resource": "ResourceAttributes",
    "agentops.exceptions": "AgentOpsError ApiServerException NoApiKeyException InvalidApiKeyException NoSessionException ValidationError "
    "MultiSessionException AgentOpsClientNotInitializedException ConfigurationError",
    "agentops.enums": "TraceState SUCCESS ERROR UNSET",
    "agentops.logging": "logger",
    "agentops.validation": "validate_trace_spans print_validation_summary ValidationError get_jwt_token get_jwt_token_sync "
    "get_trace_details get_trace_metrics check_llm_spans",
    "agentops.helpers": "safe_serialize is_jsonable filter_unjsonable AgentOpsJSONEncoder serialize_uuid get_ISO_time iso_to_unix_nano "
    "from_unix_nano_to_iso get_host_env get_agentops_version check_agentops_update get_env_bool get_env_int get_env_list get_trace_url",
    "agentops.helpers.serialization": "safe_serialize AgentOpsJSONEncoder",
    "agentops.helpers.time": "get_ISO_time",
    "agentops.helpers.debug": "debug_print_function_params",
    "agentops.helpers.validation": "is_coroutine_or_generator",
    "agentops.helpers.system": "get_host_env",
    "agentops.helpers.version": "get_agentops_version",
    "agentops.instrumentation": "instrument_all uninstrument_all get_active_libraries",
}

POSITIONAL = {
    "init": "api_key endpoint app_url max_wait_time max_queue_size tags default_tags trace_name instrument_llm_calls auto_start_session "
    "auto_init skip_auto_end_session env_data_opt_out log_level fail_safe log_session_replay_url exporter_endpoint",
    "start_trace": "trace_name tags",
    "end_trace": "trace_context end_state end_state_reason",
    "start_session": "tags config inherited_session_id",
    "end_session": "session_or_status end_state end_state_reason video is_auto_end",
    "end_all_sessions": "end_state end_state_reason",
    "update_trace_metadata": "metadata prefix",
    "validate_trace_spans": "trace_id trace_context max_retries retry_delay check_llm min_spans api_key",
    "print_validation_summary": "result",
}
NAMED = {
    "init": "export_flush_interval prefetch_jwt_token exporter processor parent_key inherited_session_id",
    "start_trace": "parent",
    "end_trace": "trace",
}
WITHOUT_MEANING = {"parent_key": "k", "auto_init": False, "fail_safe": True, "prefetch_jwt_token": False}
MISSPELT: list[tuple[Callable[..., Any], str, str]] = [
    (agentops.init, "api_kye", "api_key"),
    (agentops.init, "inherited_session", "inherited_session_id"),
    (agentops.init, "tracer_provider", "trace_name"),
    (agentops.configure, "exporter_endpint", "exporter_endpoint"),
    (agentops.start_trace, "tag", "tags"),
    (agentops.start_session, "inherited_id", "inherited_session_id"),
    (agentops.end_session, "end_sate", "end_state"),
    (agentops.end_trace, "reason", "end_state_reason"),
    (agentops.validate_trace_spans, "retries", "max_retries"),
    (Config, "default_tag", "default_tags"),
    (agentops.tool, "nam", "name"),
]


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings as they were afterwards; every warning is still to be said."""
    from agentops import config

    before = settings()
    monkeypatch.setattr(parameters, "_said", set())
    yield
    config._current = before


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in DEEP.items() for name in names.split()])
def test_every_name_is_importable(module: str, name: str) -> None:
    assert getattr(import_module(module), name) is not None


def test_all_is_what_there_is() -> None:
    for name in agentops.__all__:
        assert getattr(agentops, name) is not None
    assert set(agentops.__all__) <= set(dir(agentops))
    with pytest.raises(AttributeError, match="no_such_name"):
        agentops.no_such_name  # noqa: B018


def test_modules_are_reached_as_attributes(run_python: Any) -> None:
    run_python("import agentops\nagentops.semconv.SpanKind.TOOL; agentops.helpers.safe_serialize; agentops.legacy.Session; agentops.sdk")


def test_one_object_under_every_name() -> None:
    from agentops.enums import TraceState
    from agentops.legacy import Session as OlderSession
    from agentops.sdk.core import TraceContext
    from agentops.sdk.decorators import tool

    assert OlderSession is TraceContext is agentops.Session
    assert TraceState is agentops.TraceState
    assert tool is agentops.tool
    assert agentops.get_client() is agentops.Client() is agentops.client.Client()


@pytest.mark.parametrize("function", POSITIONAL)
def test_signatures(function: str) -> None:
    known = inspect.signature(getattr(agentops, function)).parameters
    positional = [name for name, parameter in known.items() if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    assert positional == POSITIONAL[function].split()
    assert [name for name in known if name not in positional] == NAMED.get(function, "").split()


def test_every_setting_of_init_can_be_configured() -> None:
    names = {*POSITIONAL["init"].split(), *NAMED["init"].split()} - {"inherited_session_id"}
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        Config(**dict.fromkeys(names))


@pytest.mark.parametrize(("call", "name", "nearest"), MISSPELT)
def test_an_unknown_parameter_names_the_nearest(call: Callable[..., Any], name: str, nearest: str) -> None:
    with pytest.raises(TypeError, match=rf"unexpected keyword argument '{name}'; the nearest it takes is '{nearest}'"):
        call(**{name: 1})


@pytest.mark.parametrize("name", WITHOUT_MEANING)
def test_a_parameter_without_meaning_says_so_once(name: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        Config(**{name: WITHOUT_MEANING[name]})
        Config(**{name: WITHOUT_MEANING[name]})
    (warning,) = said
    assert warning.category is DeprecationWarning
    assert f"{name}=…) has no meaning any more" in str(warning.message)
    assert warning.filename == __file__


LEGACY: dict[str, Callable[[], Any]] = {
    "record": lambda: agentops.record("anything"),
    "ActionEvent": lambda: agentops.ActionEvent("screenshot", params={"a": 1}),
    "ErrorEvent": lambda: agentops.ErrorEvent(details="x"),
    "LLMEvent": lambda: agentops.LLMEvent(prompt="x", completion="y"),
    "ToolEvent": lambda: agentops.ToolEvent(name="x"),
    "track_agent": lambda: agentops.track_agent(name="a")(lambda: 1)(),
    "track_tool": lambda: agentops.track_tool("t")(lambda: 2)(),
    "check_agentops_update": lambda: agentops.helpers.check_agentops_update(),
}


@pytest.mark.parametrize("name", LEGACY)
def test_what_is_older_works_and_says_so_once(name: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        LEGACY[name]()
        LEGACY[name]()
    assert [(each.category, name in str(each.message)) for each in said] == [(DeprecationWarning, True)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_events_are_closed_and_returned() -> None:
    event = agentops.ActionEvent(action_type="click", returns=3)
    assert event.end_timestamp is None
    assert agentops.record(event) is event
    assert event.init_timestamp <= event.end_timestamp
    assert (event.action_type, event.returns) == ("click", 3)
    assert agentops.record("text") == "text"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("mark", [agentops.track_agent, agentops.track_tool])
def test_older_decorators_bare_and_called(mark: Any) -> None:
    def plain(x: int) -> int:
        return x + 1

    class Worker:
        def work(self) -> str:
            return "done"

    for decorated in (mark(plain), mark("n")(plain), mark()(plain)):
        assert decorated(1) == 2
        assert decorated.__name__ == "plain"
    assert mark(Worker)().work() == mark("n")(Worker)().work() == "done"


def test_the_client_reads_and_changes_settings() -> None:
    client = agentops.get_client()
    client.configure(app_url="https://here", tags=["t"])
    assert client.config.app_url == settings().app_url == "https://here"
    assert client.config.default_tags == ("t",)
    configure_settings(api_key=KEY)
    assert KEY not in client.config.json()
    assert client.config.dict()["api_key"].startswith("0f6f")
    assert client.initialized is api.started()


def test_a_config_changes_nothing_until_it_is_given() -> None:
    config = Config(default_tags=["a"], trace_name="n")
    config.project_id = "p"
    assert (config.default_tags, config.trace_name, config.project_id) == (("a",), "n", "p")
    assert (settings().default_tags, settings().trace_name, settings().project_id) == ((), "", "")
    with pytest.raises(TypeError, match="nearest it takes is 'project_id'"):
        config.projectid = "p"
    with pytest.raises(AttributeError):
        _ = config.nothing


def test_the_older_name_of_the_interval() -> None:
    assert Config(max_wait_time=70).export_flush_interval == 70
    assert Config(max_wait_time=70, export_flush_interval=5).export_flush_interval == 5
    assert Config(log_level=10).log_level == "DEBUG"


@pytest.mark.parametrize(
    ("key", "change"),
    [("", {"env_data_opt_out": True}), (KEY, {"max_queue_size": 77}), (KEY, {"export_flush_interval": 7})],
)
def test_what_cannot_change_any_more_is_an_error_and_nothing_else_changes(
    monkeypatch: pytest.MonkeyPatch, key: str, change: dict[str, Any]
) -> None:
    monkeypatch.setattr(api, "_initialised", True)
    configure_settings(api_key=key)
    (name,) = change
    with pytest.raises(ConfigurationError, match=rf"can't change {name} \("):
        agentops.configure(app_url="https://elsewhere", **change)
    assert settings().app_url != "https://elsewhere"
    agentops.configure(**{name: getattr(settings(), name)})


SESSION = (
    "session_id end_session add_tags set_tags tags record create_agent __enter__ __exit__ __str__ span trace_context token end_state "
    "end_state_reason session_url set_video is_open trace_id"
)


@pytest.mark.parametrize("name", SESSION.split())
def test_sessions_have_what_their_users_expect(name: str) -> None:
    assert hasattr(Session, name)
