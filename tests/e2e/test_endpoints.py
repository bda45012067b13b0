"""`track_endpoint` on real Flask and FastAPI servers: a session a request, and never a credential."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import fastapi
import flask
import pydantic
import pytest
import uvicorn
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.security import HTTPBearer
from opentelemetry.trace import StatusCode
from werkzeug.serving import make_server

from agentops.decorators import tool, track_endpoint
from tests.unit.decorators_support import children, one, recorded, said, with_content

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.fakes.in_memory import InMemory

__all__ = ["recorded", "with_content"]

SECRET = "s3cret"
HEADERS = {
    "Authorization": f"Bearer {SECRET}-1",
    "Proxy-Authorization": f"Basic {SECRET}-2",
    "Cookie": f"sid={SECRET}-3",
    "X-Api-Key": f"{SECRET}-4",
    "X-Anything-Else": f"{SECRET}-5",
    "X-Request-Id": "req-1",
    "Content-Type": "application/json",
}


BEARER = fastapi.Depends(HTTPBearer())


class Question(pydantic.BaseModel):
    text: str
    password: str = ""


class OwnRequest(fastapi.Request):
    pass


class ChatRequest(pydantic.BaseModel):
    pass


@tool
def look_up(topic: object) -> object:
    return topic


def fastapi_application() -> fastapi.FastAPI:
    application = fastapi.FastAPI()

    @application.post("/ask/{number}", status_code=201)
    @track_endpoint
    async def ask(
        number: int,
        question: Question,
        response: fastapi.Response,
        top: int = 1,
        authorization: str = fastapi.Header(),
        credentials: Any = BEARER,
    ) -> dict[str, Any]:
        assert authorization.endswith("1")
        assert credentials.credentials.endswith("1")
        response.set_cookie("session", f"{SECRET}-6")
        await asyncio.sleep(0)
        look_up(question.text)
        return {"answer": question.text, "top": top, "token": f"{SECRET}-7"}

    @application.get("/plain/{number}")
    @track_endpoint(name="plain", tags=["web"])
    def plain(number: int, request: fastapi.Request) -> PlainTextResponse:
        look_up(number)
        if number == 404:
            raise fastapi.HTTPException(404, "none")
        if number == 500:
            raise RuntimeError("broken")
        return PlainTextResponse(f"{request.method} {number}", status_code=number)

    @application.get("/stream")
    @track_endpoint
    async def stream(fail: bool = False) -> StreamingResponse:
        async def body() -> AsyncIterator[str]:
            for number in range(3):
                look_up(number)
                await asyncio.sleep(0)
                yield f"{number}\n"
            if fail:
                raise RuntimeError("broken")

        return StreamingResponse(body(), media_type="text/plain")

    return application


def flask_application() -> flask.Flask:
    application = flask.Flask("endpoints")

    @application.post("/ask/<int:number>")
    @track_endpoint
    def ask(number: int) -> Any:
        look_up(number)
        if number == 403:
            flask.abort(403)
        if number == 500:
            raise RuntimeError("broken")
        if number == 202:
            return {"accepted": True}, 202, {"Set-Cookie": f"session={SECRET}-6"}
        if number == 503:
            return flask.Response("busy", status=503)
        response = flask.jsonify(answer=flask.request.json, token=f"{SECRET}-7")
        response.set_cookie("session", f"{SECRET}-6")
        return response

    @application.post("/form")
    @track_endpoint
    def form() -> str:
        return flask.request.form["name"]

    @application.get("/stream")
    @track_endpoint
    def stream() -> Any:
        def body() -> Iterator[str]:
            for number in range(3):
                look_up(number)
                yield f"{number}\n"

        return flask.Response(body()) if flask.request.args.get("response") else body()

    @application.get("/async")
    @track_endpoint
    def plain() -> str:
        return "ok"

    return application


@contextmanager
def serving(application: Any) -> Iterator[str]:
    if isinstance(application, flask.Flask):
        server = make_server("127.0.0.1", 0, application, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.port}"
        server.shutdown()
        thread.join()
        server.server_close()
        return
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        uvicorn_server = uvicorn.Server(uvicorn.Config(application, log_level="critical"))
        thread = threading.Thread(target=uvicorn_server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not uvicorn_server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        uvicorn_server.should_exit = True
        thread.join()


def call(url: str, body: object = None, **headers: str) -> tuple[int, str]:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logger = logging.getLogger("werkzeug")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(level)


def roots(recorded: InMemory) -> list[ReadableSpan]:
    return [span for span in recorded.spans() if span.attributes.get("agentops.span.kind") == "session"]


def summary(root: ReadableSpan) -> tuple[object, object, bool]:
    status, state = root.attributes.get("http.response.status_code"), root.attributes["agentops.session.end_state"]
    return status, state, root.status.status_code is StatusCode.ERROR


def no_secret(recorded: InMemory) -> None:
    """Authorization and every other header once were recorded."""
    text = "".join(span.to_json() for span in recorded.spans())
    assert SECRET not in text
    recorded.assert_balanced()


def test_a_fastapi_handler(with_content: InMemory) -> None:
    with serving(fastapi_application()) as url:
        status, text = call(f"{url}/ask/3?top=2&api_key={SECRET}-8", {"text": "why", "password": f"{SECRET}-9"})
    assert (status, json.loads(text)["answer"]) == (201, "why")
    root = one(with_content, "invoke_workflow ask")
    assert root.parent is None
    kept = {name: value for name, value in root.attributes.items() if name.startswith(("http.", "url."))}
    assert kept == {
        "http.request.method": "POST",
        "http.route": "/ask/{number}",
        "http.response.status_code": 201,
        "url.path": "/ask/3",
        "url.scheme": "http",
    }
    asked = said(root, "agentops.entity.input")
    assert asked["body"] == {"question": {"text": "why", "password": "[credential]"}}
    assert asked["query"] == {"top": "2", "api_key": "[credential]"}
    assert asked["headers"].keys() == {"content-length", "content-type", "user-agent", "x-request-id"}
    assert said(root, "agentops.entity.output") == {"answer": "why", "top": 2, "token": "[credential]"}
    assert [span.name for span in children(with_content, root)] == ["execute_tool look_up"]
    no_secret(with_content)


def test_fastapi_answers_and_exceptions(with_content: InMemory) -> None:
    with serving(fastapi_application()) as url:
        assert [call(f"{url}/plain/{number}")[0] for number in (202, 404, 500, 503)] == [202, 404, 500, 503]
    assert [summary(root) for root in roots(with_content)] == [
        (202, "Success", False),
        (404, "Success", False),
        (None, "Fail", True),
        (503, "Fail", True),
    ]
    first, _, broken, busy = roots(with_content)
    assert said(first, "agentops.entity.output") == "GET 202"
    assert first.attributes["agentops.tags"] == ("web",)
    assert broken.attributes["error.type"] == "RuntimeError"
    assert busy.attributes["agentops.session.end_state_reason"] == "HTTP 503"
    no_secret(with_content)


def test_a_fastapi_stream_is_part_of_its_session(with_content: InMemory) -> None:
    with serving(fastapi_application()) as url:
        assert call(f"{url}/stream") == (200, "0\n1\n2\n")
        with pytest.raises(Exception, match="IncompleteRead"):
            call(f"{url}/stream?fail=1")
    good, bad = roots(with_content)
    assert [len(children(with_content, root)) for root in (good, bad)] == [3, 3]
    assert (summary(good), summary(bad)) == ((200, "Success", False), (200, "Fail", True))
    with_content.assert_balanced()


def test_flask_views(with_content: InMemory) -> None:
    with serving(flask_application()) as url:
        statuses = [call(f"{url}/ask/{number}?a=1&a=2&sig={SECRET}-8", {"k": "v"})[0] for number in (200, 202, 403, 500, 503)]
    assert statuses == [200, 202, 403, 500, 503]
    assert [summary(root) for root in roots(with_content)] == [
        (200, "Success", False),
        (202, "Success", False),
        (403, "Success", False),
        (None, "Fail", True),
        (503, "Fail", True),
    ]
    first, second, *_, last = roots(with_content)
    asked = said(first, "agentops.entity.input")
    assert (asked["query"], asked["body"]) == ({"a": ["1", "2"], "sig": "[credential]"}, {"k": "v"})
    assert asked["headers"].keys() == {"content-length", "content-type", "user-agent", "x-request-id"}
    assert said(first, "agentops.entity.output") == {"answer": {"k": "v"}, "token": "[credential]"}
    assert said(second, "agentops.entity.output") == {"accepted": True}
    assert said(last, "agentops.entity.output") == "busy"
    assert first.attributes["http.route"] == "/ask/<int:number>"
    assert all(len(children(with_content, root)) == 1 for root in roots(with_content))
    no_secret(with_content)


def test_a_flask_form_and_streams(with_content: InMemory) -> None:
    form = f"name=me&password={SECRET}-9".encode()
    with serving(flask_application()) as url:
        assert call(f"{url}/form", form, Content_Type="application/x-www-form-urlencoded") == (200, "me")
        assert call(f"{url}/stream") == call(f"{url}/stream?response=1") == (200, "0\n1\n2\n")
    form_root, *streams = roots(with_content)
    assert said(form_root, "agentops.entity.input")["body"] == {"name": "me", "password": "[credential]"}
    assert [len(children(with_content, root)) for root in streams] == [3, 3]
    no_secret(with_content)


def test_without_content_no_query_body_header_or_answer(recorded: InMemory) -> None:
    with serving(fastapi_application()) as url:
        call(f"{url}/ask/3?top=2", {"text": "private words"})
    root = one(recorded, "invoke_workflow ask")
    assert not [name for name in root.attributes if name.startswith("agentops.entity")]
    assert "private words" not in "".join(span.to_json() for span in recorded.spans())
    assert root.attributes["http.response.status_code"] == 201


def test_requests_at_once_are_sessions_of_their_own(recorded: InMemory) -> None:
    with serving(fastapi_application()) as url:
        threads = [threading.Thread(target=call, args=(f"{url}/plain/202",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({root.context.trace_id for root in roots(recorded)}) == 8
    assert all(len(children(recorded, root)) == 1 for root in roots(recorded))
    recorded.assert_balanced(16)


def test_a_handler_that_asks_for_its_request_keeps_its_signature() -> None:
    @track_endpoint
    def asking(request: fastapi.Request) -> None: ...

    @track_endpoint
    def annotated(request: Annotated[fastapi.Request, "x"]) -> None: ...

    @track_endpoint
    def own(request: OwnRequest) -> None: ...

    @track_endpoint
    def named_alike(body: ChatRequest) -> None: ...

    for handler in (annotated, own):
        assert list(inspect.signature(handler).parameters) == ["request"]
    assert list(inspect.signature(named_alike).parameters) == ["body", "agentops_request"]

    @track_endpoint
    def not_asking(a: int, **rest: int) -> dict[str, int]:
        return {"a": a, **rest}

    assert list(inspect.signature(asking).parameters) == ["request"]
    assert list(inspect.signature(not_asking).parameters) == ["a", "agentops_request", "rest"]
    assert not_asking(1, b=2) == {"a": 1, "b": 2}


def test_outside_of_a_request_it_is_a_session_of_the_function(with_content: InMemory) -> None:
    @track_endpoint
    def handler(a: int) -> int:
        return a

    assert handler(1) == 1
    root = one(with_content, "invoke_workflow handler")
    assert (said(root, "agentops.entity.input"), said(root, "agentops.entity.output")) == ({"a": 1}, 1)


def test_no_framework_is_imported() -> None:
    code = (
        "import sys, agentops\n"
        "@agentops.track_endpoint\n"
        "def f(): ...\n"
        "f()\n"
        "assert not {'flask', 'fastapi', 'starlette'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
