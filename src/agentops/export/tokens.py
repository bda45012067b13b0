"""Tokens for AgentOps: the API key is exchanged once for a token that every exporter sends, and again when it is refused."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from agentops.config import masked, settings
from agentops.export.http import USER_AGENT, Answer, Connection, UnreachableError
from agentops_instrumentors.core.guard import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable

_PATH: Final = "/v3/auth/token"
REFUSED_SECONDS: Final = 60.0
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 30.0
_KEYS: Final = "keys are at https://app.agentops.ai/settings/projects"


class RefusedError(Exception):
    """No token can be had for the key, which has been said; what waits is lost."""


class UnavailableError(Exception):
    """No token now; one may be had in `wait` seconds."""

    def __init__(self, cause: str, wait: float) -> None:
        super().__init__(cause)
        self.wait = wait


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """What the key was exchanged for: `value` is sent, `project_id` the project the key belongs to or empty."""

    value: str
    project_id: str


class Authenticator:
    """The tokens of one key at one backend. Thread-safe: one request at a time, its outcome is everybody's."""

    def __init__(self, endpoint: str, key: str) -> None:
        self._endpoint = endpoint
        self._key = key
        self.forget_lock()
        self._connection = Connection()
        self._token: Token | None = None
        self._refused_until = 0.0
        self._unavailable_until = 0.0
        self._failures = 0
        self._cause = ""

    def forget_lock(self) -> None:
        """In a forked child, where nobody would release it."""
        self._lock = threading.Lock()

    def token(self, seconds: float, rejected: Token | None = None) -> Token:
        """A token other than `rejected`, asked for if there is none, within `seconds`. Raises RefusedError or UnavailableError."""
        with self._lock:
            if self._token is not None and self._token is not rejected:
                return self._token
            now = time.monotonic()
            if now < self._refused_until:
                raise RefusedError
            if now < self._unavailable_until:
                raise UnavailableError(self._cause, self._unavailable_until - now)
            self._token = None
            self._token = self._ask(seconds, rejected is not None)
            self._failures = 0
            return self._token

    def authorised(self, post: Callable[[Token], Answer], where: str, seconds: float) -> Answer:
        """What `post` gets with a token, or with a new one where the first is refused at `where`, a URL.

        Raises RefusedError where that is refused too, or the key itself; UnavailableError where there is no token now.
        """
        token = self.token(seconds)
        answer = post(token)
        if answer.status not in (401, 403):
            return answer
        token = self.token(seconds, rejected=token)
        answer = post(token)
        if answer.status in (401, 403):
            self._reject(token, where)
            raise RefusedError
        return answer

    def _reject(self, token: Token, where: str) -> None:
        """A token fresh from the backend is refused by its receiver: stop asking for more of them for a while."""
        with self._lock:
            if self._token is token:
                self._token = None
                self._refused_until = time.monotonic() + REFUSED_SECONDS
        warn_once(
            f"auth:{self._endpoint}:{where}",
            "AgentOps gives a token for the API key %s, but %s refuses it: do AGENTOPS_API_ENDPOINT and AGENTOPS_EXPORTER_ENDPOINT "
            "belong together? Data for it is %s",
            masked(self._key),
            where,
            _fate(),
        )

    def _ask(self, seconds: float, renewing: bool) -> Token:
        body = json.dumps({"api_key": self._key}).encode()
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
        try:
            answer = self._connection.post(self._endpoint + _PATH, body, headers, "", seconds)
        except UnreachableError as error:
            if error.final:
                raise self._refused(f"AgentOps cannot be asked for a token at {self._endpoint}{_PATH}: {error}") from error
            raise self._unavailable(str(error), None) from error
        if answer.ok:
            return self._read(answer)
        if answer.status in (408, 429) or answer.status >= 500:
            raise self._unavailable(f"HTTP {answer.status}", answer.retry_after)
        raise self._refused(self._refusal(answer, renewing))

    def _read(self, answer: Answer) -> Token:
        try:
            told = cast("dict[str, Any]", json.loads(answer.body))
            token, project = told.get("token"), told.get("project_id")
        except (ValueError, AttributeError):
            token = project = None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
            raise self._unavailable("its answer holds no token", None)
        return Token(token, project if isinstance(project, str) else "")

    def _refused(self, why: str) -> RefusedError:
        self._refused_until = time.monotonic() + REFUSED_SECONDS
        warn_once(f"auth:{self._endpoint}:{self._key}", "%s; data for AgentOps is %s", why, _fate())
        return RefusedError()

    def _unavailable(self, cause: str, wait: float | None) -> UnavailableError:
        pause = wait if wait is not None else min(_FIRST_PAUSE * 2**self._failures, _LONGEST_PAUSE)
        self._failures = min(self._failures + 1, 16)
        self._cause = f"{self._endpoint}{_PATH}: {cause}"
        self._unavailable_until = time.monotonic() + pause
        return UnavailableError(self._cause, pause)

    def _refusal(self, answer: Answer, renewing: bool) -> str:
        key = masked(self._key)
        if answer.redirects:
            return f"{self._endpoint} redirects to {answer.location or 'another place'}, which is not followed: set AGENTOPS_API_ENDPOINT"
        if answer.status == 400:
            return f"AgentOps says that the API key {key} is malformed: set AGENTOPS_API_KEY to the whole key, a UUID; {_KEYS}"
        if answer.status in (401, 403, 404) and renewing:
            return f"AgentOps no longer accepts the API key {key}: it was revoked; set AGENTOPS_API_KEY to a new one; {_KEYS}"
        if answer.status in (401, 403):
            return f"AgentOps does not know the API key {key}: check AGENTOPS_API_KEY; {_KEYS}"
        return f"{self._endpoint}{_PATH} answered HTTP {answer.status}: check AGENTOPS_API_ENDPOINT"


def _fate() -> str:
    return "kept in its spool" if settings().spool else "dropped"


_lock = threading.Lock()
_known: Final[dict[tuple[str, str], Authenticator]] = {}


def authenticator(endpoint: str, key: str) -> Authenticator:
    """The process's one authenticator of `key` at the backend whose base URL is `endpoint`."""
    endpoint = endpoint.rstrip("/")
    with _lock:
        found = _known.get((endpoint, key))
        if found is None:
            found = _known[endpoint, key] = Authenticator(endpoint, key)
        return found


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    for each in _known.values():
        each.forget_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
