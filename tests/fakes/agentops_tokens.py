"""Tokens as AgentOps gives them: JSON web tokens signed with HS256, bound to a key and its project, and refused once revoked or expired."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from typing import Any

_SECRET = b"a secret of the fake"
THIRTY_DAYS = 30 * 24 * 3600


class Tokens:
    """Keys with their projects, and the tokens given for them. `lifetime` is in seconds."""

    def __init__(self, *keys: str) -> None:
        self.lifetime: float = THIRTY_DAYS
        self.given: list[str] = []
        self._projects = {key: str(uuid.uuid5(uuid.NAMESPACE_URL, key)) for key in keys}
        self._valid: set[str] = set()
        self._lock = threading.Lock()

    def project(self, key: str) -> str | None:
        """The project of a key, None for an unknown or revoked one."""
        return self._projects.get(key)

    def add(self, key: str) -> None:
        self._projects[key] = str(uuid.uuid5(uuid.NAMESPACE_URL, key))

    def revoke(self, key: str) -> None:
        """The key and every token given for it are refused from now on."""
        del self._projects[key]
        self.expire()

    def expire(self) -> None:
        """Every token given so far is refused from now on; the keys are good for new ones."""
        with self._lock:
            self._valid.clear()

    def give(self, key: str) -> str:
        """A token for a known key."""
        claims = {
            "exp": time.time() + self.lifetime,
            "aud": "authenticated",
            "project_id": self._projects[key],
            "project_prem_status": "free",
            "api_key": key,
            "jti": len(self.given),
        }
        token = _sign(claims)
        with self._lock:
            self.given.append(token)
            self._valid.add(token)
        return token

    def claims(self, token: str) -> dict[str, Any] | None:
        """What a good token says, None for any other."""
        try:
            head, body, signature = token.split(".")
            claims = json.loads(_decode(body))
        except ValueError:
            return None
        with self._lock:
            known = token in self._valid
        good = known and hmac.compare_digest(_signature(f"{head}.{body}"), signature) and claims["exp"] > time.time()
        return claims if good else None


def is_key(value: object) -> bool:
    """Whether it has the form of a key."""
    try:
        return isinstance(value, str) and bool(uuid.UUID(value))
    except ValueError:
        return False


def _sign(claims: dict[str, Any]) -> str:
    unsigned = ".".join(_encode(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{unsigned}.{_signature(unsigned)}"


def _signature(unsigned: str) -> str:
    return _encode(hmac.new(_SECRET, unsigned.encode(), hashlib.sha256).digest())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
