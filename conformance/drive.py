"""Runs every scenario as an ordinary program would, `agentops.init()` and then the vendor's client, against a fake service.

`python -m conformance.drive` is a process of its own, because what it sets up is global. Each scenario is a session named
after it, which tells the recorded traces apart. It prints, as JSON, which endpoints were called and which the SDK lacks.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from importlib import import_module
from operator import attrgetter
from typing import Any, Final, cast

import openai
from tests.fakes.openai_server import FakeOpenAI

import agentops
from agentops_instrumentors.openai.endpoints import ENDPOINTS
from conformance.scenarios import OPENAI, Reading, Scenario

_TIMEOUT_SECONDS: Final = 10.0


def main() -> None:
    """Run all scenarios."""
    agentops.init(auto_start_session=False)
    with FakeOpenAI() as server:
        called = {_drive(scenario, server.base_url) for scenario in OPENAI}
    targets = {endpoint.target for endpoint in ENDPOINTS}
    print(json.dumps({"called": sorted(called), "absent": sorted(filter(_absent, targets)), "endpoints": sorted(targets)}))


def _drive(scenario: Scenario, base_url: str) -> str:
    """The target called, as instrumentation writes it: `module:Class.method`."""
    settings: dict[str, Any] = {"base_url": base_url, "api_key": "conformance", "max_retries": 0, "timeout": _TIMEOUT_SECONDS}
    client: Any = openai.AsyncOpenAI(**settings) if scenario.asynchronous else openai.OpenAI(**settings)
    kind = cast("type[object]", type(attrgetter(scenario.resource)(client)))
    with agentops.start_trace(scenario.name, tags={"client": kind.__name__}), suppress(openai.OpenAIError):
        if scenario.asynchronous:
            asyncio.run(_call_async(scenario, client))
        else:
            _call(scenario, client)
    return f"{kind.__module__}:{kind.__qualname__}.{scenario.method}"


def _call(scenario: Scenario, client: Any) -> None:
    with client:
        arguments = dict(scenario.arguments)
        if scenario.stored:
            arguments["response_id"] = client.responses.create(model="gpt-4o-mini", input="Keep this.").id
        answer = getattr(attrgetter(scenario.resource)(client), scenario.method)(**arguments)
        if scenario.reading is not Reading.NO_STREAM:
            with answer:
                for _ in answer:
                    if scenario.reading is Reading.ONE:
                        break


async def _call_async(scenario: Scenario, client: Any) -> None:
    async with client:
        arguments = dict(scenario.arguments)
        if scenario.stored:
            arguments["response_id"] = (await client.responses.create(model="gpt-4o-mini", input="Keep this.")).id
        answer = await getattr(attrgetter(scenario.resource)(client), scenario.method)(**arguments)
        if scenario.reading is not Reading.NO_STREAM:
            async with answer:
                async for _ in answer:
                    if scenario.reading is Reading.ONE:
                        break


def _absent(target: str) -> bool:
    """Whether the installed SDK has no such method."""
    module, _, path = target.partition(":")
    try:
        attrgetter(path)(import_module(module))
    except (ImportError, AttributeError):
        return True
    return False


if __name__ == "__main__":
    main()
