"""Where spools go to: AgentOps in its own vocabulary, and OTLP receivers as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from agentops.export.otlp import OtlpReceiver
from agentops.export.translate import translated
from agentops.export.transport import DEFAULT_TIMEOUT, AgentOpsReceiver

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from agentops.export.outcomes import Outcome, Parcel
    from agentops.store.protobuf import Requests


class Receiver(Protocol):
    """One signal of one receiver. For the sending thread alone."""

    @property
    def signal(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def timeout(self) -> float:
        """Seconds of one attempt."""
        ...

    def message(self, requests: Requests) -> Message:
        """What to send of what was read, which is nobody else's."""
        ...

    def send(self, parcel: Parcel, seconds: float) -> Outcome:
        """One attempt."""
        ...

    def prepare(self, seconds: float) -> object:
        """What can be done before there is anything to send."""
        ...


class SpooledAgentOps(AgentOpsReceiver):
    """AgentOps; `endpoint` and `api_key` as of `AgentOpsReceiver`."""

    def __init__(self, signal: str, endpoint: str | None = None, api_key: str | None = None) -> None:
        super().__init__(signal, endpoint, api_key, keeps=True)
        self.timeout: Final = DEFAULT_TIMEOUT

    def message(self, requests: Requests) -> Message:
        """Spans in the older names that AgentOps reads."""
        return translated(requests.traces) if self.signal == "traces" else requests.logs


class SpooledOtlp(OtlpReceiver):
    """An OTLP receiver; spans are sent as they were recorded."""

    def message(self, requests: Requests) -> Message:
        """As read."""
        return requests.traces if self.signal == "traces" else requests.logs
