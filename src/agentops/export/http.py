"""One HTTP request to AgentOps: our own headers and nothing else, a deadline, no redirect, no cookie, no .netrc."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from importlib import import_module
from typing import TYPE_CHECKING, Final

from opentelemetry.instrumentation.utils import suppress_instrumentation

from agentops_instrumentors.core import environment
from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

USER_AGENT: Final = f"agentops-opentelemetry/{__version__}"
_ANSWER_LIMIT: Final = 1 << 20
_CA_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_LONGEST_WAIT: Final = 300.0


class UnreachableError(Exception):
    """No answer; the text says why, and names the variable where a setting is the reason. `final`: trying again is no use."""

    def __init__(self, cause: str, final: bool = False) -> None:
        super().__init__(cause)
        self.final = final


@dataclass(frozen=True, slots=True)
class Answer:
    """What the backend answered; `retry_after` is in seconds, `location` where a redirect points."""

    status: int
    body: bytes = b""
    retry_after: float | None = None
    location: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300

    @property
    def redirects(self) -> bool:
        """Whether it is a 3xx."""
        return 300 <= self.status < 400


class Connection:
    """Keeps its connections open between requests. For one thread at a time; a forked child opens its own.

    `verify` is a file of certificate authorities, True for the system's; `certificate` the client's, with its key where that is apart.
    """

    def __init__(self, verify: str | bool = True, certificate: str | tuple[str, str] | None = None) -> None:
        self._verify = verify
        self._certificate = certificate
        # What sending imports is imported here: a fork while a thread imports leaves the child a module nobody will ever finish.
        import_module("requests")
        "localhost".encode("idna")
        self._session: requests.Session | None = None
        self._pid = 0

    def post(self, url: str, body: bytes, headers: Mapping[str, str], bearer: str, seconds: float) -> Answer:
        """Send `body` and wait `seconds` at most. Raises UnreachableError where there is no answer, however the URL is wrong."""
        deadline = time.monotonic() + seconds
        try:
            # The caller may be an instrumented thread; this request is nobody's span.
            with suppress_instrumentation():
                answer = self._opened().post(
                    url,
                    data=body,
                    headers=dict(headers),
                    auth=_Bearer(bearer),
                    timeout=max(seconds, 0.01),
                    allow_redirects=False,
                    stream=True,
                    verify=self._verify,
                    cert=self._certificate,
                )
                try:
                    return Answer(
                        answer.status_code,
                        _read(answer, deadline),
                        _retry_after(answer.headers.get("Retry-After")),
                        answer.headers.get("Location", ""),
                    )
                finally:
                    answer.close()
        except (OSError, ValueError) as error:
            raise _unreachable(error) from error

    def _opened(self) -> requests.Session:
        import requests
        from requests.cookies import RequestsCookieJar

        if self._session is None or self._pid != os.getpid():
            # A forked child must not write into its parent's connections.
            session, self._pid = requests.Session(), os.getpid()
            session.headers.clear()
            session.headers.update({"User-Agent": USER_AGENT, "Connection": "keep-alive"})
            session.cookies = RequestsCookieJar(DefaultCookiePolicy(allowed_domains=()))
            self._session = session
        return self._session


class _Bearer:
    """Sets the token on a request; as an `auth` of its own it also keeps a .netrc entry from replacing it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _read(answer: requests.Response, deadline: float) -> bytes:
    """The answer's body, as far as it matters; a receiver that sends byte after byte does not outlast the deadline."""
    found = b""
    for piece in answer.iter_content(8192):
        found += piece
        if len(found) > _ANSWER_LIMIT or time.monotonic() > deadline:
            break
    return found


def _retry_after(value: str | None) -> float | None:
    try:
        seconds = float(value) if value else math.nan
    except ValueError:
        return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), _LONGEST_WAIT)


def _unreachable(error: Exception) -> UnreachableError:
    import requests

    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema)):
        return UnreachableError("the URL is not usable", final=True)
    if isinstance(error, requests.RequestException):
        return UnreachableError(_reason(error))
    for name in _CA_VARIABLES:
        if environment.text(name):
            return UnreachableError(f"{name}={environment.text(name)!r} is no certificate bundle", final=True)
    return UnreachableError(f"{type(error).__name__}: {error}")


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return f"its certificate is not accepted ({_innermost(error)}); a certificate authority of your own goes into {_CA_VARIABLES[0]}"
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy of HTTPS_PROXY, HTTP_PROXY or ALL_PROXY does not serve it ({_innermost(error)})"
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    return f"{type(error).__name__} ({_innermost(error)})"


def _innermost(error: BaseException) -> str:
    """The cause at the bottom, in a few words and without addresses of objects."""
    deeper: object = error
    while isinstance(deeper, BaseException):
        error = deeper
        deeper = getattr(error, "reason", None) or error.__context__
    return f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"[:200]
