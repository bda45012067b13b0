"""Patches of a small vendor module: lazy, one by one, removed to identity; one counted span for each logical call."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
import wrapt
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import StatusCode, get_current_span, set_span_in_context

from agentops_instrumentors.core import telemetry as core_telemetry
from agentops_instrumentors.core.content import ContentMode, Policy
from agentops_instrumentors.core.endpoint import Endpoint
from agentops_instrumentors.core.messages import Content, Message, TextPart
from agentops_instrumentors.core.operation import Call, Request, Response
from agentops_instrumentors.core.patching import Patches
from agentops_instrumentors.core.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from opentelemetry import context as otel_context

    from tests.fakes.in_memory import InMemory

SOURCE = """
class Client:
    def ask(self, text, *, fail=False):
        '''Asks.'''
        if fail:
            raise ValueError(text)
        return text.upper()

    def ask_twice(self, text):
        return self.ask(text) + self.ask(text)

    def embed(self, text):
        return self.ask(text)

    async def ask_later(self, text):
        return text.upper()


def shout(text):
    return text.upper()
"""


class Asking(Endpoint):
    def __init__(self, target: str, operation: str = "chat") -> None:
        super().__init__(target)
        self.operation = operation

    def request(self, instance: Any, call: Call) -> Request:
        text = call.args[0]
        return Request(self.operation, "toy", "m", content=lambda: Content([Message("user", [TextPart(text)])]))

    def response(self, returned: Any) -> Response:
        return Response(messages=lambda: [Message("assistant", [TextPart(returned)])])


class Younger(Asking):
    """A method that the installed version of wrapt is too old for."""

    def __init__(self, target: str, operation: str) -> None:
        super().__init__(target, operation)
        self.versions = ">=1000"


class Older(Asking):
    """A method that the installed version should have."""

    def __init__(self, target: str, operation: str) -> None:
        super().__init__(target, operation)
        self.versions = ">=1,<1000"


class Broken(Asking):
    def request(self, instance: Any, call: Call) -> Request:
        raise RuntimeError("a provider's mistake")


class BrokenLater(Asking):
    def response(self, returned: Any) -> Response:
        raise RuntimeError("a provider's mistake")


class Toy:
    """A vendor module on the import path, not imported yet, and what is recorded of it."""

    def __init__(self, name: str, recorded: InMemory) -> None:
        self.name = name
        self.recorded = recorded
        self._telemetry = Telemetry("toy", "1", **recorded.kwargs, policy=Policy(ContentMode.SPAN_ONLY))
        self.patches = Patches(self._telemetry, "wrapt")

    def install(self, *methods: str, kind: Callable[..., Endpoint] = Asking, operation: str = "chat") -> Patches:
        self.patches.install([kind(f"{self.name}:{method}", operation) for method in methods])
        return self.patches

    def load(self) -> Any:
        return importlib.import_module(self.name)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: InMemory, request: pytest.FixtureRequest) -> Iterator[Toy]:
    name = "toy_" + "".join(letter for letter in request.node.name if letter.isalnum())
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Toy(name, in_memory)
    yield made
    made.patches.remove()
    sys.modules.pop(name, None)
    in_memory.assert_balanced()


@pytest.mark.parametrize("imported_first", [False, True])
def test_patched_when_imported_or_at_once(toy: Toy, imported_first: bool) -> None:
    if imported_first:
        toy.load()
    patches = toy.install("Client.ask", "shout")
    assert (toy.name in sys.modules) is imported_first
    assert bool(patches.installed) is imported_first
    module = toy.load()
    assert patches.installed == [f"{toy.name}:Client.ask", f"{toy.name}:shout"]
    assert module.Client().ask("hi") == "HI"
    assert module.shout("hi") == "HI"
    assert [span.name for span in toy.recorded.spans()] == ["chat m", "chat m"]


def test_a_missing_method_is_left_out_alone_with_one_warning(toy: Toy, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "agentops"):
        toy.install("Client.ask", "Client.gone", "Gone.ask")
        toy.install("Client.not_there_yet", kind=Younger)
        toy.install("Client.also_gone", kind=Older)
        module = toy.load()
        toy.install("Client.gone")
    assert module.Client().ask("hi") == "HI"
    toy.recorded.assert_balanced(1)
    missing = ["Client.gone", "Gone.ask", "Client.also_gone"]
    assert toy.patches.missing == [f"{toy.name}:{gone}" for gone in (*missing, "Client.gone")]
    warnings = [record.getMessage() for record in caplog.records]
    assert warnings == [f"{toy.name}:{gone} is not in this SDK version: its calls are not recorded" for gone in missing]


def test_removed_to_identity(toy: Toy) -> None:
    module = toy.load()
    before = {name: vars(module.Client)[name] for name in ("ask", "ask_later")}
    toy.install("Client.ask", "Client.ask_later")
    assert all(vars(module.Client)[name] is not original for name, original in before.items())
    assert (module.Client.ask.__name__, module.Client.ask.__doc__) == ("ask", "Asks.")
    kept = module.Client().ask
    toy.patches.remove()
    assert all(vars(module.Client)[name] is original for name, original in before.items())
    assert kept("hi") == "HI"
    toy.recorded.assert_balanced(0)


def test_removed_from_under_another_wrapper(toy: Toy) -> None:
    module = toy.load()
    original = vars(module.Client)["ask"]
    toy.install("Client.ask")
    seen: list[str] = []

    def other(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        seen.append(args[0])
        return wrapped(*args, **kwargs)

    wrapt.wrap_function_wrapper(module, "Client.ask", other)
    assert module.Client().ask("hi") == "HI"
    toy.recorded.assert_balanced(1)
    toy.patches.remove()
    assert vars(module.Client)["ask"].__wrapped__ is original
    assert module.Client().ask("again") == "AGAIN"
    assert seen == ["hi", "again"]
    toy.recorded.assert_balanced(1)


def test_a_module_imported_after_removal_is_left_alone(toy: Toy) -> None:
    toy.install("Client.ask")
    toy.patches.remove()
    module = toy.load()
    assert not hasattr(vars(module.Client)["ask"], "__wrapped__")


def test_errors_are_the_callers_and_the_spans(toy: Toy) -> None:
    toy.install("Client.ask")
    with pytest.raises(ValueError, match="hi") as raised:
        toy.load().Client().ask("hi", fail=True)
    assert raised.value.__context__ is None
    (span,) = toy.recorded.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "ValueError"


@pytest.mark.parametrize(("kind", "spans"), [(Broken, 0), (BrokenLater, 1)])
def test_a_provider_that_fails_costs_telemetry_alone(toy: Toy, kind: type[Asking], spans: int, caplog: pytest.LogCaptureFixture) -> None:
    toy.install("Client.ask", kind=kind)
    with caplog.at_level(logging.WARNING, "agentops"):
        assert [toy.load().Client().ask("hi") for _ in range(3)] == ["HI"] * 3
    assert [record.getMessage() for record in caplog.records] == [
        f"Telemetry failed in {toy.name}:Client.ask; the program is not affected (said once)"
    ]
    toy.recorded.assert_balanced(3 * spans)


def test_suppressed(toy: Toy) -> None:
    toy.install("Client.ask")
    with suppress_instrumentation():
        assert toy.load().Client().ask("hi") == "HI"
    toy.recorded.assert_balanced(0)


def test_nested_calls_of_the_same_kind_are_one(toy: Toy) -> None:
    toy.install("Client.ask", "Client.ask_twice")
    toy.install("Client.embed", operation="embeddings")
    client = toy.load().Client()
    assert client.ask_twice("hi") == "HIHI"
    toy.recorded.assert_balanced(1)
    toy.recorded.clear()
    client.embed("hi")
    inner, outer = toy.recorded.spans()
    assert (outer.name, inner.name) == ("embeddings m", "chat m")
    context = outer.get_span_context()
    assert inner.parent
    assert context
    assert inner.parent.span_id == context.span_id


def test_calls_in_other_threads_and_after_the_end_are_not_nested(toy: Toy) -> None:
    toy.install("Client.ask")
    client = toy.load().Client()
    client.ask("one")
    thread = threading.Thread(target=client.ask, args=("two",))
    thread.start()
    thread.join()
    toy.recorded.assert_balanced(2)
    assert [span.parent for span in toy.recorded.spans()] == [None, None]


def test_the_callers_current_span_is_the_parent_and_stays_current(toy: Toy) -> None:
    toy.install("Client.ask")
    toy.install("Client.ask_later")
    client = toy.load().Client()

    async def later() -> None:
        await client.ask_later("hi")
        assert get_current_span() is mine

    with toy.recorded.tracer_provider.get_tracer("app").start_as_current_span("mine") as mine:
        client.ask("hi")
        assert get_current_span() is mine
        asyncio.run(later())
    *children, _ = toy.recorded.spans()
    assert [span.parent and span.parent.span_id for span in children] == [mine.get_span_context().span_id] * 2


def test_the_default_parent_hook(toy: Toy) -> None:
    toy.install("Client.ask")
    root = toy.recorded.tracer_provider.get_tracer("app").start_span("root")
    asked: list[otel_context.Context] = []

    def parent(current: otel_context.Context) -> otel_context.Context:
        asked.append(current)
        return set_span_in_context(root, current)

    core_telemetry.set_default_parent(parent)
    try:
        toy.load().Client().ask("hi")
    finally:
        core_telemetry.set_default_parent(None)
    root.end()
    assert len(asked) == 1
    (span, _) = toy.recorded.spans()
    assert span.parent == root.get_span_context()
    assert not get_current_span().get_span_context().is_valid


def test_a_coroutine_that_is_never_awaited_records_nothing(toy: Toy) -> None:
    toy.install("Client.ask_later")
    client = toy.load().Client()
    coroutine = client.ask_later("hi")
    assert asyncio.iscoroutine(coroutine)
    assert coroutine.__qualname__ == "Client.ask_later"
    coroutine.close()
    with pytest.raises(TypeError):
        client.ask_later()
    toy.recorded.assert_balanced(0)


FOREIGN = """
import functools

def wrap(owner, name):
    inner = getattr(owner, name)
    @functools.wraps(inner)
    def traced(*args, **kwargs):
        return inner(*args, **kwargs)
    setattr(owner, name, traced)
    return traced

def wrap_with_wrapt(owner, name):
    import wrapt
    def traced(wrapped, instance, args, kwargs):
        return wrapped(*args, **kwargs)
    setattr(owner, name, wrapt.FunctionWrapper(vars(owner)[name], traced))
"""


def _foreign(folder: Path, package: str) -> Any:
    """A real package of that dotted name, with wrappers in it."""
    path = folder.joinpath("foreign", *package.split("."))
    path.mkdir(parents=True, exist_ok=True)
    (path / "__init__.py").write_text(FOREIGN)
    spec = importlib.util.spec_from_file_location(package, path / "__init__.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("how", ["wrap", "wrap_with_wrapt"])
@pytest.mark.parametrize("ours_first", [False, True])
@pytest.mark.parametrize(
    ("package", "spans"),
    [
        ("openinference.instrumentation.openai", 0),
        ("opentelemetry.instrumentation.openai_v2", 0),
        ("opentelemetry.instrumentation.genai.openai", 0),
        ("ddtrace.contrib.openai", 1),
        ("app.retries", 1),
    ],
)
def test_ours_stands_down_for_a_known_instrumentor(
    toy: Toy, tmp_path: Path, caplog: pytest.LogCaptureFixture, package: str, spans: int, ours_first: bool, how: str
) -> None:
    module, foreign = toy.load(), _foreign(tmp_path, package)
    if ours_first:
        toy.install("Client.ask")
    getattr(foreign, how)(module.Client, "ask")
    if not ours_first:
        toy.install("Client.ask")
    with caplog.at_level(logging.WARNING, "agentops"):
        assert [module.Client().ask("hi") for _ in range(3)] == ["HI"] * 3
    toy.recorded.assert_balanced(3 * spans)
    assert all(package in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("mode", ["force", "off"])
def test_standing_down_can_be_turned_off(toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("AGENTOPS_INSTRUMENTATION_CONFLICT", mode)
    module, foreign = toy.load(), _foreign(tmp_path, "openinference.instrumentation.openai")
    toy.install("Client.ask")
    foreign.wrap(module.Client, "ask")
    module.Client().ask("hi")
    toy.recorded.assert_balanced(1)


def test_ours_comes_back_when_the_other_leaves(toy: Toy, tmp_path: Path) -> None:
    module, foreign = toy.load(), _foreign(tmp_path, "openinference.instrumentation.openai")
    toy.install("Client.ask")
    ours = vars(module.Client)["ask"]
    foreign.wrap(module.Client, "ask")
    module.Client().ask("hi")
    toy.recorded.assert_balanced(0)
    module.Client.ask = ours
    module.Client().ask("hi")
    toy.recorded.assert_balanced(1)
