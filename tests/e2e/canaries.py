"""A program that puts a canary into everything that may hold content, and the search for canaries in what left it."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import TYPE_CHECKING

from tests.fakes.http import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.http import HttpServer
    from tests.fakes.openai_server import FakeOpenAI

CANARY = re.compile(r"CANARY\w*")
PROGRAM = """
import asyncio, base64, logging, os
import agentops, openai
from agentops import agent, operation, tool

logging.getLogger().addHandler(logging.NullHandler())
logging.getLogger().setLevel(logging.DEBUG)
if os.environ.get("SESSION"):
    session = agentops.start_session()
client = openai.OpenAI(
    base_url=os.environ["SERVICE"] + "/v1", api_key="CANARYkey", max_retries=0, default_headers={"x-extra": "CANARYheader"},
    default_query={"q": "CANARYurl"},
)
image = base64.b64encode(b"\\x89PNG CANARYimage" * 3).decode()


@tool
def look_up(what):
    return {"found": "CANARYtoolcallresult", "of": what}


@tool
def broken(what):
    try:
        raise KeyError("CANARYcause")
    except KeyError as cause:
        raise ValueError("CANARYexception") from cause


@operation
def think(argument, *, more):
    logging.getLogger("openai._base_client").debug("Request options: %s", {"content": "CANARYlogged"})
    return ["CANARYreturned"]


@agent(name="researcher")
def work():
    messages = [
        {"role": "system", "content": "CANARYsystem"},
        {"role": "user", "content": [
            {"type": "text", "text": "CANARYprompt"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64," + image}},
            {"type": "image_url", "image_url": {"url": "https://images.example/CANARYimageurl.png"}},
            {"type": "input_audio", "input_audio": {"data": base64.b64encode(b"CANARYaudio").decode(), "format": "wav"}},
            {"type": "file", "file": {"filename": "CANARYfile.pdf", "file_data": "data:application/pdf;base64," + image}},
        ]},
        {"role": "assistant", "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": "CANARYtoolargument"}'}}]},
        {"role": "tool", "tool_call_id": "1", "content": "CANARYtoolresult"},
    ]
    tools = [{"type": "function", "function": {"name": "f", "description": "CANARYdescription", "parameters": {
        "type": "object", "properties": {"a": {"type": "string", "enum": ["CANARYschema"]}}}}}]
    client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=tools)
    for _ in client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True):
        pass
    try:
        client.chat.completions.create(model="gpt-4o-mini", messages=messages)
    except openai.OpenAIError:
        logging.getLogger("program").info("it failed", exc_info=True)
    try:
        client.chat.completions.create(model="gpt-4o-mini", messages=messages)
    except Exception:
        pass
    client.responses.create(model="gpt-4o-mini", instructions="CANARYsystem", input="CANARYprompt")
    client.embeddings.create(model="text-embedding-3-small", input=["CANARYembedding"])
    look_up("CANARYtoolcallargument")
    think("CANARYinputargument", more={"image": "data:image/png;base64," + image})
    broken(what="CANARYtoolcallargument")


try:
    work()
except ValueError:
    pass
asyncio.run(asyncio.sleep(0))
if os.environ.get("SESSION"):
    session.end()
if os.environ.get("CRASH"):
    raise RuntimeError("CANARYraised")
"""


def script(server: FakeOpenAI) -> None:
    """Queue answers with canaries: a plain one, a stream, an error, garbage; the default mind answers what follows."""
    message = {
        "role": "assistant",
        "content": "CANARYanswer",
        "reasoning_content": "CANARYreasoning",
        "tool_calls": [{"id": "2", "type": "function", "function": {"name": "f", "arguments": '{"a": "CANARYtoolargument"}'}}],
    }
    head = {"id": "chatcmpl-1", "created": 1, "model": "gpt-4o-mini"}
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    plain = {**head, "object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
    chunk = {**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "CANARYstreamed"}}]}
    garbled = {**plain, "choices": "CANARYbadjson", "usage": {"prompt_tokens": "CANARYbadjson"}}
    server.enqueue(
        Reply.json(plain),
        Reply.sse([chunk]),
        Reply.json({"error": {"message": "CANARYstatus", "type": "invalid_request_error", "code": "bad"}}, 400),
        Reply.json(garbled),
    )


def sent(*servers: HttpServer) -> Iterator[bytes]:
    """Everything that receivers were sent: bodies inflated, targets, headers."""
    for server in servers:
        for request in server.requests:
            zipped = request.headers.get("content-encoding") == "gzip"
            yield gzip.decompress(request.body) if zipped else request.body
            yield request.target.encode()
            yield json.dumps(dict(request.headers)).encode()


def kept(folder: Path) -> Iterator[bytes]:
    """Every byte of every file in `folder`."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()


def canaries(data: bytes) -> set[str]:
    """The canaries in it, in plain text, in base64 at any offset, or in hexadecimal digits."""
    text = data.decode("latin-1")
    found = set(CANARY.findall(text))
    for offset in range(3):
        # What three alignments of base64 have in common, whatever stands before and after.
        encoded = base64.b64encode(b"\0" * offset + b"CANARY").decode()
        core = encoded[(0, 2, 3)[offset] : (8, 9, 10)[offset]]
        if core in text:
            found.add(f"base64:{core}")
    if b"CANARY".hex() in text.lower():
        found.add("hexadecimal")
    return found
