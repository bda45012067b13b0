"""The LangChain handler with real langchain-core: chains, agents, tools and model calls, each model call once."""

from __future__ import annotations

import asyncio
import importlib
import sys
from typing import TYPE_CHECKING, Any

import pytest

from agentops.sessions import api, runtime
from agentops_instrumentors.core import content, guard
from agentops_instrumentors.openai import OpenAIInstrumentor
from tests.unit.sessions_support import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.in_memory import InMemory
    from tests.fakes.openai_server import FakeOpenAI

langchain_core = pytest.importorskip("langchain_core")

from langchain_core.language_models.chat_models import BaseChatModel  # noqa: E402
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel  # noqa: E402
from langchain_core.messages import AIMessage  # noqa: E402
from langchain_core.outputs import ChatGeneration, ChatResult  # noqa: E402
from langchain_core.prompts import ChatPromptTemplate  # noqa: E402
from langchain_core.runnables import RunnableLambda, RunnableParallel  # noqa: E402
from langchain_core.tools import tool  # noqa: E402

from agentops.integration.callbacks.langchain import AsyncLangchainCallbackHandler, LangchainCallbackHandler  # noqa: E402

__all__ = ["recorded"]


@pytest.fixture(autouse=True)
def as_after_init(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(api, "_initialised", True)
    before = guard.failures()
    content.set_default_mode(content.ContentMode.SPAN_ONLY)
    yield
    content.set_default_mode(content.ContentMode.NO_CONTENT)
    assert guard.failures() == before


@tool
def weather(city: str) -> str:
    """The weather in a city.

    Nothing else."""
    return f"sunny in {city}"


@tool
def broken(city: str) -> str:
    """Fails."""
    raise LookupError(city)


def answering(*texts: str) -> GenericFakeChatModel:
    usage = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10, "input_token_details": {"cache_read": 2}}
    return GenericFakeChatModel(messages=iter([AIMessage(text, usage_metadata=usage) for text in texts]))


def paths(recorded: InMemory) -> list[str]:
    """Each span's name behind those of the spans around it."""
    spans = {span.context.span_id: span for span in recorded.spans()}

    def path(span: Any) -> str:
        parent = spans.get(span.parent.span_id) if span.parent else None
        return f"{path(parent)} > {span.name}" if parent else span.name

    return sorted(path(span) for span in spans.values())


def config() -> dict[str, Any]:
    return {"callbacks": [LangchainCallbackHandler(auto_session=False)]}


CHAIN = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")])


def test_a_chain_and_the_model_call_in_it(recorded: InMemory) -> None:
    chain = CHAIN | answering("hello")
    with runtime.start_session("w") as session:
        assert chain.invoke({"question": "hi"}, config=config()).content == "hello"
    assert paths(recorded) == [
        "invoke_workflow w",
        "invoke_workflow w > operation RunnableSequence",
        "invoke_workflow w > operation RunnableSequence > chat",
        "invoke_workflow w > operation RunnableSequence > operation ChatPromptTemplate",
    ]
    (chat,) = [span for span in recorded.spans() if span.name == "chat"]
    assert chat.kind.name == "CLIENT"
    assert chat.attributes["gen_ai.operation.name"] == "chat"
    assert chat.attributes["gen_ai.usage.input_tokens"] == 7
    assert chat.attributes["gen_ai.usage.output_tokens"] == 3
    assert chat.attributes["gen_ai.usage.cache_read.input_tokens"] == 2
    assert chat.attributes["session.id"] == session.session_id
    assert '"Be brief."' in chat.attributes["gen_ai.input.messages"]
    assert '"role":"user"' in chat.attributes["gen_ai.input.messages"]
    assert '"hello"' in chat.attributes["gen_ai.output.messages"]
    (chain_span,) = [span for span in recorded.spans() if span.name == "operation RunnableSequence"]
    assert chain_span.attributes["agentops.operation.type"] == "chain"
    assert chain_span.attributes["agentops.entity.input"] == '{"question":"hi"}'
    assert chain_span.start_time <= chat.start_time <= chat.end_time <= chain_span.end_time


def test_an_agent_with_tools(recorded: InMemory) -> None:
    def think(question: str, config: Any) -> str:
        return weather.invoke({"city": question}, config=config)

    agent = RunnableLambda(think).with_config(run_name="WeatherAgent")
    assert agent.invoke("Rome", config=config()) == "sunny in Rome"
    assert paths(recorded) == ["invoke_agent WeatherAgent", "invoke_agent WeatherAgent > execute_tool weather"]
    (used,) = recorded.spans("execute_tool weather")
    assert used.attributes["gen_ai.tool.call.arguments"] == '{"city":"Rome"}'
    assert used.attributes["gen_ai.tool.call.result"] == '"sunny in Rome"'
    assert used.attributes["gen_ai.agent.name"] == "WeatherAgent"


def test_a_failing_tool_fails_what_is_around_it_and_is_recorded_once(recorded: InMemory) -> None:
    chain = RunnableLambda(lambda city, config: broken.invoke({"city": city}, config=config)).with_config(run_name="planner")
    with pytest.raises(LookupError):
        chain.invoke("Rome", config=config())
    assert {span.name: span.attributes["error.type"] for span in recorded.spans()} == {
        "execute_tool broken": "LookupError",
        "operation planner": "LookupError",
    }


def test_parallel_branches_stay_below_their_own_parent(recorded: InMemory) -> None:
    branches = RunnableParallel(left=CHAIN | answering("l"), right=CHAIN | answering("r"))
    branches.with_config(run_name="both").invoke({"question": "?"}, config=config())
    chats = [path for path in paths(recorded) if path.endswith("> chat")]
    assert chats == ["operation both > operation RunnableSequence > chat"] * 2


def test_asynchronous_and_streamed(recorded: InMemory) -> None:
    async def main() -> None:
        chain = CHAIN | answering("one", "two words")
        callbacks = {"callbacks": [AsyncLangchainCallbackHandler(auto_session=False)]}
        assert (await chain.ainvoke({"question": "1"}, config=callbacks)).content == "one"
        text = "".join([str(chunk.content) async for chunk in chain.astream({"question": "2"}, config=callbacks)])
        assert text == "two words"

    asyncio.run(main())
    assert [path for path in paths(recorded) if path.endswith("> chat")] == ["operation RunnableSequence > chat"] * 2


def test_a_dropped_stream_leaves_nothing_current(recorded: InMemory) -> None:
    from opentelemetry.trace import get_current_span

    for _ in (CHAIN | answering("many words of text")).stream({"question": "?"}, config=config()):
        break
    assert not get_current_span().get_span_context().is_valid
    recorded.assert_balanced()


def test_after_an_asynchronous_model_call_the_program_is_where_it_was(recorded: InMemory) -> None:
    tracer = recorded.tracer_provider.get_tracer("program")

    async def main() -> None:
        model = answering("one", "two")
        await model.ainvoke("1", config=config())
        with tracer.start_as_current_span("mine"):
            await model.ainvoke("2", config=config())
            tracer.start_span("below mine").end()

    asyncio.run(main())
    assert paths(recorded) == ["chat", "mine", "mine > below mine", "mine > chat"]


class OpenAIChat(BaseChatModel):
    """A chat model on the real OpenAI SDK."""

    base_url: str

    @property
    def _llm_type(self) -> str:
        return "openai-chat"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        import openai

        client = openai.OpenAI(base_url=self.base_url, api_key="test", max_retries=0)
        answer = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": messages[-1].content}])
        return ChatResult(generations=[ChatGeneration(message=AIMessage(answer.choices[0].message.content or ""))])


@pytest.mark.parametrize("instrumented", [True, False])
def test_a_model_call_counts_once(recorded: InMemory, openai_server: FakeOpenAI, instrumented: bool) -> None:
    instrumentor = OpenAIInstrumentor()
    if instrumented:
        instrumentor.instrument(**recorded.kwargs)
    try:
        (CHAIN | OpenAIChat(base_url=openai_server.base_url)).invoke({"question": "hi"}, config=config())
    finally:
        instrumentor.uninstrument()
    chats = [path for path in paths(recorded) if "> chat" in path]
    assert chats == [f"operation RunnableSequence > chat{' gpt-4o' if instrumented else ''}"]


def test_without_langchain_the_import_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain_core.callbacks", None)
    monkeypatch.delitem(sys.modules, "agentops.integration.callbacks.langchain")
    with pytest.raises(ImportError, match="pip install langchain-core"):
        importlib.import_module("agentops.integration.callbacks.langchain")


def test_without_dspy_the_import_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dspy.utils.callback", None)
    monkeypatch.setitem(sys.modules, "dspy", None)
    with pytest.raises(ImportError, match="pip install dspy"):
        importlib.import_module("agentops.integration.callbacks.dspy")
