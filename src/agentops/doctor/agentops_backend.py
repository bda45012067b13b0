"""Whether AgentOps takes the key, and its receiver the token that the key is exchanged for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, cast

from msgspec.structs import replace

from agentops.config import is_api_key, masked, settings
from agentops.doctor.answers import Answer, ask, refused

if TYPE_CHECKING:
    from agentops.doctor.facts import Receiver

_TOKEN_PATH: Final = "/v3/auth/token"
_KEYS: Final = "keys are at https://app.agentops.ai/settings/projects"


def ask_agentops(receiver: Receiver, seconds: float) -> Receiver:
    """`receiver` with its answer: of the token service first, of the traces endpoint then."""
    key = settings().api_key
    if not is_api_key(key):
        return replace(
            receiver, ok=False, answer=f"not asked: the key {masked(key)} is malformed", action=f"a key is a whole UUID; {_KEYS}"
        )
    place = settings().endpoint + _TOKEN_PATH
    answer = ask(place, json.dumps({"api_key": key}).encode(), {"Content-Type": "application/json"}, seconds)
    if answer.status != 200:
        return replace(receiver, ok=False, answer=f"{place}: {answer.said}", action=_about_key(answer, key))
    token = _token(answer)
    if not token:
        return replace(receiver, ok=False, answer=f"{place}: its answer holds no token", action="check AGENTOPS_API_ENDPOINT")
    headers = {"Content-Type": "application/x-protobuf", "Authorization": f"Bearer {token}"}
    delivered = ask(receiver.url, b"", headers, seconds)
    if delivered.status is not None and 200 <= delivered.status < 300:
        return replace(receiver, ok=True, answer=f"takes the key; {delivered.said}")
    if delivered.status is None:
        return replace(receiver, ok=False, answer=delivered.said, action="check AGENTOPS_EXPORTER_ENDPOINT and the network")
    if delivered.status in (401, 403):
        action = "its token is refused: do AGENTOPS_API_ENDPOINT and AGENTOPS_EXPORTER_ENDPOINT belong together?"
    else:
        action = refused(delivered, "traces", "AGENTOPS_EXPORTER_ENDPOINT", "AGENTOPS_API_KEY")
    return replace(receiver, ok=False, answer=delivered.said, action=action)


def _about_key(answer: Answer, key: str) -> str:
    if answer.status == 400:
        return f"AgentOps says that the key {masked(key)} is malformed: {_KEYS}"
    if answer.status in (401, 403):
        return f"AgentOps does not know the key {masked(key)}, or it was revoked: set AGENTOPS_API_KEY to another; {_KEYS}"
    return "check AGENTOPS_API_ENDPOINT and the network; spans wait and are lost if it stays so"


def _token(answer: Answer) -> str:
    try:
        found = cast("dict[str, object]", json.loads(answer.body)).get("token")
    except (ValueError, AttributeError):
        return ""
    return found if isinstance(found, str) and found.isascii() and found.isprintable() else ""
