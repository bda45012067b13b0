"""Agents, tools, several turns, a prompt that is cached, and two failures, in one session. Content is as the environment says."""

import json
import sys

import anthropic
import openai

import agentops

TOPIC = {"type": "object", "properties": {"topic": {"type": "string", "enum": ["weather"]}}, "required": ["topic"]}
TOOLS = [{"type": "function", "function": {"name": "look_up", "description": "Look it up.", "parameters": TOPIC}}]


@agentops.tool(name="look_up")
def look_up(topic):
    return f"The notes on {topic}: 18 degrees"


@agentops.agent(name="researcher")
def research(question):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
    with openai.OpenAI(max_retries=0) as client:
        first = client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=TOOLS, temperature=0.2).choices[0].message
        messages.append(first)
        for call in first.tool_calls:
            messages.append({"role": "tool", "tool_call_id": call.id, "content": look_up(**json.loads(call.function.arguments))})
        return client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=TOOLS).choices[0].message.content


@agentops.agent(name="writer")
def write(findings):
    system = [{"type": "text", "text": "Write well. " * 50, "cache_control": {"type": "ephemeral"}}]
    asked = [{"role": "user", "content": findings}]
    said = None
    with anthropic.Anthropic(max_retries=0) as client:
        for _ in range(2):
            said = client.messages.create(model="claude-haiku-4-5", max_tokens=99, system=system, messages=asked)
            asked += [{"role": "assistant", "content": said.content}, {"role": "user", "content": "Shorter."}]
    return said.content[0].text


@agentops.operation
def publish(text):
    raise ValueError("nowhere to publish")


def failing(work, expected):
    try:
        work()
    except expected:
        return
    raise AssertionError("this was to fail")


agentops.init(auto_start_session=False)
with agentops.start_trace("crew", tags=["example"]):
    text = write(research(sys.argv[1]))
    failing(lambda: publish(text), ValueError)
    failing(lambda: openai.OpenAI(max_retries=0).embeddings.create(model="error-404", input="text"), openai.NotFoundError)
