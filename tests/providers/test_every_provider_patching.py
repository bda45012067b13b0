"""Every provider's patches: one by one, to identity and back, under and over somebody else's."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import wrapt

from agentops_instrumentors.core import guard
from tests.providers.every_provider import INSTALLED, INSTRUMENTORS, TARGETS, endpoints, methods, owner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_instrumentors.core.patching import Patches
    from tests.fakes.in_memory import InMemory


@contextmanager
def instrumented(name: str, telemetry: InMemory) -> Iterator[Patches]:
    instrumentor = INSTRUMENTORS[name]()
    instrumentor.instrument(**telemetry.kwargs)
    try:
        assert instrumentor.patches
        yield instrumentor.patches
    finally:
        instrumentor.uninstrument()


def _through(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
    return wrapped(*args, **kwargs)


def _wrapped(method: Any) -> Any:
    """Somebody else's wrapper of a method, or of a property's getter."""
    if isinstance(method, property):
        return property(wrapt.FunctionWrapper(method.fget, _through))
    return wrapt.FunctionWrapper(method, _through)


def _inside(wrapper: Any) -> Any:
    return wrapper.fget.__wrapped__ if isinstance(wrapper, property) else wrapper.__wrapped__


def _function(method: Any) -> Any:
    return method.fget if isinstance(method, property) else method


def _put(bound: dict[str, Any]) -> None:
    for target, method in bound.items():
        holder, attribute = owner(target)
        setattr(holder, attribute, method)


@pytest.mark.parametrize("name", INSTALLED)
def test_every_method_is_patched_and_given_back(name: str, in_memory: InMemory) -> None:
    before = methods(name)
    assert before
    for _ in range(2):
        with instrumented(name, in_memory) as patches:
            assert sorted(patches.installed) == sorted(before)
            assert patches.missing == []
            assert all(method is not before[target] for target, method in methods(name).items())
        after = methods(name)
        assert {target for target, method in after.items() if method is not before[target]} == set()


@pytest.mark.parametrize("name", INSTALLED)
def test_under_somebody_elses_wrapper_the_original_comes_back(name: str, in_memory: InMemory) -> None:
    before = methods(name)
    theirs: dict[str, Any] = {}
    try:
        with instrumented(name, in_memory):
            theirs = {target: _wrapped(method) for target, method in methods(name).items()}
            _put(theirs)
        after = methods(name)
        assert all(after[target] is wrapper for target, wrapper in theirs.items())
        assert {target for target, wrapper in theirs.items() if _inside(wrapper) is not _function(before[target])} == set()
    finally:
        _put(before)


@pytest.mark.parametrize("name", INSTALLED)
def test_over_somebody_elses_wrapper_theirs_comes_back(name: str, in_memory: InMemory) -> None:
    before = methods(name)
    theirs = {target: _wrapped(method) for target, method in before.items()}
    try:
        _put(theirs)
        with instrumented(name, in_memory) as patches:
            assert sorted(patches.installed) == sorted(before)
        assert {target for target, method in methods(name).items() if method is not theirs[target]} == set()
    finally:
        _put(before)


@pytest.mark.parametrize(("name", "target"), TARGETS, ids=[target for _, target in TARGETS])
def test_a_method_that_is_gone_is_left_out_alone_and_named(
    name: str, target: str, in_memory: InMemory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    others = sorted(methods(name).keys() - {target})
    monkeypatch.setattr(guard, "_said", set())
    monkeypatch.delattr(*owner(target))
    with caplog.at_level(logging.WARNING, "agentops"), instrumented(name, in_memory) as patches:
        assert sorted(patches.installed) == others
        assert patches.missing == [target]
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"{target} is not in this SDK version")


@pytest.mark.parametrize("name", INSTALLED)
def test_no_target_is_declared_twice(name: str) -> None:
    targets = [endpoint.target for endpoint in endpoints(name)]
    assert len(targets) == len(set(targets))
