"""What is known of an HTTP request and its answer in Flask and in Starlette or FastAPI, without importing any of them.

Headers are an allow-list, so no credential header is ever read; values of fields with a credential's name are masked.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from agentops_instrumentors.core import semconv

if TYPE_CHECKING:
    from agentops_instrumentors.core import content

HEADERS: Final = ("accept", "content-length", "content-type", "user-agent", "x-request-id")
MASK: Final = "[credential]"
_CREDENTIALS: Final = frozenset(
    {
        *("accesstoken", "apikey", "auth", "authorization", "clientsecret", "code", "cookie", "idtoken", "key", "passwd", "password"),
        *("pwd", "refreshtoken", "secret", "sig", "signature", "sessionid", "token", "xapikey"),
    }
)


class Exchange(Protocol):
    """One request and its answer, as one framework has them."""

    def attributes(self) -> dict[str, Any]:
        """What is recorded of the request whatever the content policy."""
        ...

    def request(self, policy: content.Policy) -> dict[str, Any]:
        """What is recorded of the request as content; asked for once the handler is done."""
        ...

    def status(self, answer: object) -> int:
        """The status code of what the handler returned."""
        ...

    def answer(self, answer: object, policy: content.Policy) -> object:
        """What is recorded of the answer as content; None for what is no text."""
        ...


def exchange(args: Iterable[object], kwargs: Mapping[str, object]) -> Exchange | None:
    """The request being handled; None outside of one."""
    starlette = sys.modules.get("starlette.requests")
    if starlette is not None:
        for each in (*args, *kwargs.values()):
            if isinstance(each, starlette.Request):
                return StarletteExchange(each, kwargs)
    flask = sys.modules.get("flask")
    if flask is not None and flask.has_request_context():
        return FlaskExchange(flask.request)
    return None


def status_of(error: BaseException) -> int | None:
    """The status code that an exception of a framework stands for."""
    for name in ("status_code", "code"):
        status = getattr(error, name, None)
        if isinstance(status, int) and 100 <= status < 600:
            return status
    return None


def masked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """`fields` without the values of credentials, to any depth of mappings."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        name = str(key).lower().replace("_", "").replace("-", "")
        inner = cast("Mapping[str, Any]", value)
        found[str(key)] = MASK if name in _CREDENTIALS else masked(inner) if isinstance(value, Mapping) else value
    return found


class StarletteExchange:
    """Of a Starlette or FastAPI handler called with `kwargs`."""

    def __init__(self, request: Any, kwargs: Mapping[str, object]) -> None:
        self._request = request
        self._kwargs = kwargs
        self._route = request.scope.get("route")

    def attributes(self) -> dict[str, Any]:
        """Method, scheme, path and route."""
        url = self._request.url
        return _known(self._request.method, url.scheme, url.path, getattr(self._route, "path", None))

    def request(self, policy: content.Policy) -> dict[str, Any]:
        """Query, allowed headers, and the body's parameters as FastAPI has parsed them."""
        del policy
        request = self._request
        found = _described(str(request.url.replace(query="", username=None, password=None)), _many(request.query_params.multi_items()))
        found["headers"] = _allowed(request.headers)
        fields = getattr(getattr(self._route, "dependant", None), "body_params", ())
        body = {field.name: _plain(self._kwargs[field.name]) for field in fields if field.name in self._kwargs}
        if body:
            found["body"] = masked(body)
        return found

    def status(self, answer: object) -> int:
        """The response's own, else the route's."""
        return int(getattr(answer, "status_code", None) or getattr(self._route, "status_code", None) or 200)

    def answer(self, answer: object, policy: content.Policy) -> object:
        """A value as it is, a response's JSON or text."""
        del policy
        headers = getattr(answer, "headers", None)
        body = getattr(answer, "body", None)
        if headers is None:
            return _plain(answer)
        return _text(headers.get("content-type", ""), body) if isinstance(body, bytes) else None


class FlaskExchange:
    """Of a Flask view."""

    def __init__(self, request: Any) -> None:
        self._request = request

    def attributes(self) -> dict[str, Any]:
        """Method, scheme, path and route."""
        request = self._request
        return _known(request.method, request.scheme, request.path, getattr(request.url_rule, "rule", None))

    def request(self, policy: content.Policy) -> dict[str, Any]:
        """Query, allowed headers, a form the view has read, or a JSON body within the byte budget."""
        request = self._request
        found = _described(request.base_url, _many(request.args.items(multi=True)))
        found["headers"] = _allowed(request.headers)
        if request.is_json:
            if (request.content_length or 0) <= policy.max_bytes:
                found["body"] = _masked(request.get_json(silent=True))
        elif (request.content_length or 0) <= policy.max_bytes and request.mimetype == "application/x-www-form-urlencoded":
            found["body"] = masked(_many(request.form.items(multi=True)))
        return found

    def status(self, answer: object) -> int:
        """The status of a response, or of a tuple of a body and a status; 200 otherwise."""
        given = answer
        if isinstance(answer, tuple):
            parts = cast("tuple[object, ...]", answer)
            given = parts[0]
            if len(parts) > 1 and isinstance(parts[1], (int, str)):
                return int(str(int(parts[1]) if isinstance(parts[1], int) else parts[1]).split()[0])
        return int(getattr(given, "status_code", 200))

    def answer(self, answer: object, policy: content.Policy) -> object:
        """A value as it is, a response's JSON or text."""
        if isinstance(answer, tuple):
            answer = cast("tuple[object, ...]", answer)[0]
        if isinstance(answer, (str, list, dict)):
            return cast("object", answer)
        response = cast("Any", answer)
        if getattr(response, "get_data", None) is None or response.is_streamed or response.direct_passthrough:
            return None
        data: bytes = response.get_data()
        return _text(response.mimetype or "", data) if len(data) <= policy.max_bytes else None


def _masked(value: Any) -> Any:
    return masked(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else value


def _known(method: str, scheme: str, path: str, route: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {semconv.HTTP_REQUEST_METHOD: method, semconv.URL_SCHEME: scheme, semconv.URL_PATH: path}
    if route:
        found[semconv.HTTP_ROUTE] = route
    return found


def _described(url: str, query: dict[str, Any]) -> dict[str, Any]:
    return {"url": url, "query": masked(query)} if query else {"url": url}


def _many(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in items:
        found[key] = [*(found[key] if isinstance(found[key], list) else [found[key]]), value] if key in found else value
    return found


def _allowed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in HEADERS if name in headers}


def _plain(value: Any) -> Any:
    filename = getattr(value, "filename", None)
    if filename is not None and hasattr(value, "file"):
        return {"filename": str(filename)}
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    return _masked(value)


def _text(media_type: str, data: bytes) -> object:
    if "json" in media_type:
        import msgspec

        try:
            value = msgspec.json.decode(data)
        except msgspec.DecodeError:
            return data.decode("utf-8", "replace")
        return _masked(value)
    return data.decode("utf-8", "replace") if media_type.startswith("text/") else None
