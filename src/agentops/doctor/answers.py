"""One small HTTP request, and what its answer means for an exporter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST: Final = 65536
_SHOWN: Final = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is None where there was none; `said` tells in words; `body` is its beginning."""

    status: int | None
    said: str
    body: bytes = b""


def ask(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    seconds: float,
    verify: str | bool = True,
    certificate: str | tuple[str, str] | None = None,
) -> Answer:
    """POST `body`, waiting `seconds` for a connection and for each piece of the answer. Redirects are not followed."""
    import requests

    named = {"User-Agent": f"agentops-opentelemetry/{__version__}", **headers}
    try:
        with requests.Session() as session:
            found = session.post(
                url, data=body, headers=named, timeout=seconds, allow_redirects=False, stream=True, verify=verify, cert=certificate
            )
            with found:
                content = next(found.iter_content(_LONGEST), b"")
                where = f" to {found.headers.get('Location', 'nowhere')}" if 300 <= found.status_code < 400 else ""
                return Answer(found.status_code, f"HTTP {found.status_code} {found.reason or ''}".rstrip() + where, content)
    except requests.Timeout:
        return Answer(None, f"no answer within {seconds:g} s")
    except requests.exceptions.SSLError as error:
        return Answer(None, f"its certificate is not accepted: {innermost(error)}")
    except (requests.RequestException, OSError, ValueError) as error:
        return Answer(None, innermost(error))


def refused(answer: Answer, signal: str, variable: str, headers_variable: str) -> str:
    """What to do about an answer that is no success."""
    status = answer.status or 0
    if 300 <= status < 400:
        return f"exporters do not follow redirects: set {variable} to where it points"
    if status in (401, 403):
        return f"it wants credentials: set {headers_variable} (names and values as name=value, separated by commas)"
    if status in (404, 405):
        return f"nothing takes {signal} at this path: check {variable}, or set OTEL_{signal.upper()}_EXPORTER=none if it takes no {signal}"
    if status in (400, 415, 422):
        return f"it answers, but does not take what exporters send: check {variable}, and whether it wants a header in {headers_variable}"
    return f"it is there but takes nothing now: look at its own log, or set {variable} to another"


def innermost(error: BaseException) -> str:
    """The cause at the bottom of an error of `requests`, in a few words and without addresses of objects."""
    reason = error
    while True:
        deeper = getattr(reason, "reason", None) or reason.__context__
        if not isinstance(deeper, BaseException) or deeper is reason:
            break
        reason = deeper
    text = getattr(reason, "strerror", None) or reason
    return f"{type(reason).__name__}: {text}"[:_SHOWN]
