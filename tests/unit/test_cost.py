"""Cost of an operation: the library's own figure, without waiting for the library."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
import timeit
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

import genai_prices
import pytest
from genai_prices import data_snapshot
from genai_prices.types import ModelPrice, TieredPrices
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_instrumentors.core import cost, guard, rates
from agentops_instrumentors.core.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "reasoning": "output_reasoning_tokens",
    "text_input": "input_text_tokens",
    "text_output": "output_text_tokens",
    "audio_input": "input_audio_tokens",
    "audio_output": "output_audio_tokens",
    "audio_cache_read": "cache_audio_read_tokens",
    "image_input": "input_image_tokens",
    "image_output": "output_image_tokens",
}
SOLD = {
    "openai": "openai",
    "azure.ai.openai": "azure",
    "anthropic": "anthropic",
    "gcp.gemini": "google",
    "aws.bedrock": "aws",
    "cohere": "cohere",
    "mistral_ai": "mistral",
    "groq": "groq",
    "deepseek": "deepseek",
    "perplexity": "perplexity",
    "x_ai": "x-ai",
    "moonshot_ai": "moonshotai",
    "openrouter": "openrouter",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
}
NOW = datetime.now(timezone.utc)


def _models() -> list[tuple[str, str, str]]:
    providers = {provider.id: provider for provider in data_snapshot.get_snapshot().providers}
    return [(ours, theirs, model.id) for ours, theirs in SOLD.items() for model in providers[theirs].models]


def _special_models() -> list[tuple[str, str, str]]:
    """Models priced by tiers, by date, or by kinds of token beyond input and output."""
    providers = {provider.id: provider for provider in data_snapshot.get_snapshot().providers}
    found: list[tuple[str, str, str]] = []
    for ours, theirs in SOLD.items():
        for model in providers[theirs].models:
            prices = vars(model.get_prices(NOW))
            kinds = {key for key in prices if "audio" in key or "image" in key or "reasoning" in key or "requests" in key}
            tiered = any(isinstance(price, TieredPrices) for price in prices.values())
            if kinds or tiered or not isinstance(model.prices, ModelPrice):
                found.append((ours, theirs, model.id))
    return found


MODELS = _models()
SPECIAL = _special_models()
COUNTS = st.one_of(st.none(), st.integers(0, 50), st.integers(0, 400_000))


@st.composite
def plausible(draw: st.DrawFn) -> Usage:
    """Counts as vendors report them: kinds never exceed what they are part of."""
    inputs = draw(st.integers(0, 2_000_000))
    outputs = draw(st.integers(0, 200_000))
    cached = draw(st.integers(0, inputs))
    audio = draw(st.integers(0, inputs - cached))
    return Usage(
        input_tokens=inputs,
        output_tokens=outputs,
        cache_read=draw(st.sampled_from([None, cached])),
        cache_write=draw(st.sampled_from([None, 0, inputs - cached - audio])),
        reasoning=draw(st.one_of(st.none(), st.integers(0, outputs))),
        audio_input=draw(st.sampled_from([None, 0, audio])),
        image_output=draw(st.sampled_from([None, 0, outputs // 2])),
    )


@st.composite
def arbitrary(draw: st.DrawFn) -> Usage:
    return Usage(**{field: draw(COUNTS) for field in KEYS})


def _library(provider: str, model: str, usage: Usage, context: dict[str, str] | None = None) -> genai_prices.types.PriceCalculation | None:
    counts = {key: count for field, key in KEYS.items() if (count := getattr(usage, field)) is not None}
    try:
        return genai_prices.calc_price(
            genai_prices.Usage(**counts), model, provider_id=provider, **({"price_context": context} if context else {})
        )
    except (ValueError, LookupError):  # counts it refuses; an id that its own matching does not find
        return None


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    assert cost.ready(30)


def _assert_same(ours: str, theirs: str, model: str, usage: Usage) -> None:
    found = cost.price(ours, model, usage)
    expected = _library(theirs, model, usage)
    if found is None:
        nothing_said = usage.input_tokens is None and usage.output_tokens is None
        assert expected is None or nothing_said or expected.total_price == 0, (model, usage, expected)
    else:
        assert expected is not None, (model, usage, found)
        assert math.isclose(found.amount, float(expected.total_price), rel_tol=1e-12), (model, usage)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(MODELS), plausible())
def test_equals_the_library_for_any_model(model: tuple[str, str, str], usage: Usage) -> None:
    _assert_same(*model, usage)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SPECIAL), st.one_of(plausible(), arbitrary()))
def test_equals_the_library_for_tiers_dates_and_modalities_and_any_counts(model: tuple[str, str, str], usage: Usage) -> None:
    _assert_same(*model, usage)


def test_every_shipped_model_is_priced_like_the_library() -> None:
    usage = Usage(input_tokens=1234, output_tokens=567, cache_read=100, reasoning=89)
    for ours, theirs, model in MODELS:
        _assert_same(ours, theirs, model, usage)


@pytest.mark.parametrize("input_tokens", [0, 1, 199_999, 200_000, 200_001, 272_000, 272_001, 5_000_000])
def test_tiers_change_where_the_library_changes(input_tokens: int) -> None:
    for ours, theirs, model in SPECIAL:
        _assert_same(ours, theirs, model, Usage(input_tokens=input_tokens, output_tokens=10, cache_read=input_tokens // 2))


def test_most_models_are_reduced() -> None:
    snapshot = data_snapshot.get_snapshot()
    plans = [plan for seller in snapshot.providers for model in seller.models if (plan := rates.plan(seller, model)) is not None]
    asking = [plan.model.id for plan in plans if not plan.bands]
    assert len(plans) > 1000
    assert len(asking) < len(plans) / 50, asking


def test_a_known_model_costs_what_its_rates_say() -> None:
    snapshot = data_snapshot.get_snapshot()
    model = snapshot.find_provider_model("gpt-4o", None, "openai", None)[1]
    per_million = model.get_prices(NOW)
    usage = Usage(input_tokens=1_000, output_tokens=300, cache_read=400, reasoning=100)
    by_hand = (600 * per_million.input_mtok + 400 * per_million.cache_read_mtok + 300 * per_million.output_mtok) / Decimal(1_000_000)
    found = cost.price("openai", "gpt-4o", usage)
    assert found is not None
    assert found.amount == pytest.approx(float(by_hand), rel=1e-12)
    assert found.amount > 0
    assert (found.currency, found.source) == ("USD", f"genai-prices/{genai_prices.__version__}")


def test_service_tier_changes_the_price() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=300)
    model = data_snapshot.get_snapshot().find_provider_model("gpt-5", None, "openai", None)[1]
    for tier in ("default", "flex", "priority", "unheard-of"):
        context = {"service_tier": tier} if hasattr(model, "price_variants") else None  # older releases know no tiers
        found, expected = cost.price("openai", "gpt-5", usage, tier), _library("openai", "gpt-5", usage, context)
        assert found is not None
        assert expected is not None
        assert found.amount == pytest.approx(float(expected.total_price), rel=1e-12)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "no-such-model"),
        ("openai", None),
        ("openai", ""),
        ("openai", "gpt-4o" * 100),
        ("no.such.provider", "gpt-4o"),
        ("my-openai-proxy", "gpt-4o"),
        ("ibm.watsonx.ai", "gpt-4o"),
        ("anthropic", "gpt-4o"),
    ],
)
def test_unknown_has_no_cost(provider: str, model: str | None) -> None:
    usage = Usage(input_tokens=10, output_tokens=10)
    assert [cost.price(provider, model, usage) for _ in range(3)] == [None] * 3


def test_tokens_of_a_kind_without_a_price_have_no_cost() -> None:
    assert cost.price("groq", "whisper-large-v3", Usage(input_tokens=10, output_tokens=10)) is None
    assert cost.price("openai", "gpt-4o", Usage()) is None


def test_contradicting_counts_have_no_cost_and_are_counted() -> None:
    before = guard.failures().get("cost:ValueError", 0)
    assert cost.price("openai", "gpt-4o", Usage(input_tokens=1, output_tokens=1, cache_read=2)) is None
    assert cost.price("openai", "gpt-4o", Usage(input_tokens=-1, output_tokens=1)) is None
    assert guard.failures()["cost:ValueError"] == before + 2


def test_many_model_names_stay_bounded_and_right() -> None:
    usage = Usage(input_tokens=10, output_tokens=10)
    first = cost.price("openai", "gpt-4o", usage)
    for number in range(cost.CACHED_MODELS + 10):
        assert cost.price("openai", f"unknown-{number}", usage) is None
    assert cost.price("openai", "gpt-4o", usage) == first


def test_a_model_is_reduced_to_rates_while_its_first_operation_is_under_way() -> None:
    book = cost._loading.book
    assert book is not None
    book._plans.clear()
    book._reduced.clear()
    cost._loading.expected.clear()
    cost.expect("openai", "gpt-4o-mini")
    _until(lambda: ("openai", "gpt-4o-mini", "default") in book._plans)
    reduced = dict(book._reduced)
    found = cost.price("openai", "gpt-4o-mini-2024-07-18", Usage(input_tokens=1_000_000, output_tokens=0), "default")
    assert found is not None
    assert found.amount == pytest.approx(0.15)
    assert book._plans["openai", "gpt-4o-mini-2024-07-18", "default"] is book._plans["openai", "gpt-4o-mini", "default"]
    assert book._reduced == reduced


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert condition()


def test_a_new_price_list_is_used() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=0)
    bundled = data_snapshot.get_snapshot()
    seller, model = bundled.find_provider_model("gpt-4o", None, "openai", None)
    ours = type(model)(id="gpt-4o", match=model.match, prices=ModelPrice(input_mtok=Decimal(77)))
    mine = type(seller)(id="openai", name="OpenAI", api_pattern="", models=[ours])
    data_snapshot.set_custom_snapshot(data_snapshot.DataSnapshot(providers=[mine], from_auto_update=False))
    try:
        found = cost.price("openai", "gpt-4o", usage)
        assert found is not None
        assert found.amount == pytest.approx(77)
    finally:
        data_snapshot.set_custom_snapshot(None)
    restored = cost.price("openai", "gpt-4o", usage)
    assert restored is not None
    assert restored.amount != pytest.approx(77)


def test_a_priced_call_takes_microseconds() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=300, cache_read=400, reasoning=100)
    best = min(timeit.repeat(lambda: cost.price("openai", "gpt-4o", usage), number=1_000, repeat=5)) / 1_000
    assert best < 20e-6


def _run(program: str) -> subprocess.CompletedProcess[str]:
    # Python 3.12 warns of every fork of a process with threads, and the one that reads the prices is meant to be there.
    quiet = ("-W", "ignore:This process:DeprecationWarning")
    return subprocess.run([sys.executable, "-X", "dev", *quiet, "-c", program], capture_output=True, text=True, timeout=60, check=False)


PREAMBLE = """
import os, sys, threading, time
from agentops_instrumentors.core import cost
from agentops_instrumentors.core.usage import Usage
usage = Usage(input_tokens=10, output_tokens=10)
"""


def test_the_first_call_waits_for_nothing_and_imports_nothing_itself() -> None:
    done = _run(
        PREAMBLE
        + "assert 'genai_prices' not in sys.modules and 'pydantic' not in sys.modules\n"
        + "assert cost.price('openai', 'gpt-4o', usage) is None\n"
        + "assert cost.ready(30) and cost.price('openai', 'gpt-4o', usage).amount > 0\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("after_s", [0, 0.02, 0.1, 0.25])
def test_a_program_that_ends_while_prices_load_ends_quietly(after_s: float) -> None:
    done = _run(PREAMBLE + f"import logging; logging.basicConfig()\ncost.expect('openai', 'gpt-4o'); time.sleep({after_s})\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_program_without_a_call_has_its_start_for_itself() -> None:
    done = _run(
        "import atexit, sys, time\natexit.register(lambda: print('genai_prices' in sys.modules, time.monotonic() - began < 0.09))\n"
        + PREAMBLE
        + "began = time.monotonic()\ncost.prefetch()\n"
    )
    loaded, in_time = done.stdout.split()
    assert (done.returncode, loaded == "True" and in_time == "True", done.stderr) == (0, False, "")


def test_prices_are_there_before_the_first_call_of_a_program_that_runs_for_a_while() -> None:
    done = _run(
        PREAMBLE
        + "cost.prefetch()\ndeadline = time.monotonic() + 30\n"
        + "while not cost._loading.book and time.monotonic() < deadline: time.sleep(0.02)\n"
        + "assert cost.price('openai', 'gpt-4o', usage).amount > 0\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_call_while_the_interpreter_shuts_down_is_harmless() -> None:
    done = _run(PREAMBLE + "import atexit\natexit.register(lambda: cost.price('openai', 'gpt-4o', usage))\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.parametrize("how", ["prefetch()", "expect('openai', 'gpt-4o')"])
@pytest.mark.parametrize("after_s", [0, 0.02, 0.1, 1.0, 1.5])
def test_a_child_forked_while_prices_load_prices_too(after_s: float, how: str) -> None:
    done = _run(
        PREAMBLE
        + f"cost.{how}; time.sleep({after_s})\n"
        + "child = os.fork()\n"
        + "cost.expect('openai', 'gpt-4o')\n"
        + "fine = cost.ready(30) and cost.price('openai', 'gpt-4o', usage).amount > 0\n"
        + "if child == 0: os._exit(0 if fine else 1)\n"
        + "status = os.waitpid(child, 0)[1]\n"
        + "sys.exit(0 if fine and status == 0 else 1)\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_eight_threads_make_the_first_call() -> None:
    done = _run(
        PREAMBLE
        + "start, found = threading.Barrier(8), []\n"
        + "def call():\n"
        + "    start.wait(); cost.price('openai', 'gpt-4o', usage); cost.ready(30)\n"
        + "    found.append(cost.price('openai', 'gpt-4o', usage))\n"
        + "threads = [threading.Thread(target=call) for _ in range(8)]\n"
        + "[thread.start() for thread in threads]; [thread.join() for thread in threads]\n"
        + "assert len(found) == 8 and len({cost.amount for cost in found}) == 1, found\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_threads_price_many_models_at_once() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=100)
    sample = MODELS[::20]
    expected = [cost.price(ours, model, usage) for ours, _, model in sample]
    results: list[list[cost.Cost | None]] = []
    threads = [
        threading.Thread(target=lambda: results.append([cost.price(ours, model, usage) for ours, _, model in sample])) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 8
