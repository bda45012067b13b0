"""The client: one object a process that has the API as methods."""

from __future__ import annotations

from typing import ClassVar, Final

from agentops.options import Config
from agentops.sessions import api

__all__ = ["Client", "get_client"]


class Client:
    """`init`, `configure` and the session functions of this package; every `Client()` is the same object."""

    __slots__ = ()

    _instance: ClassVar[Client | None] = None

    def __new__(cls) -> Client:
        """The one client."""
        if Client._instance is None:
            Client._instance = super().__new__(cls)
        return Client._instance

    init: Final = staticmethod(api.init)
    configure: Final = staticmethod(api.configure)
    start_session: Final = staticmethod(api.start_session)
    end_session: Final = staticmethod(api.end_session)
    start_trace: Final = staticmethod(api.start_trace)
    end_trace: Final = staticmethod(api.end_trace)
    end_all_sessions: Final = staticmethod(api.end_all_sessions)

    @property
    def initialized(self) -> bool:
        """Whether recording was started."""
        return api.started()

    @property
    def config(self) -> Config:
        """The settings in force, read when asked."""
        return Config()


def get_client() -> Client:
    """The one client."""
    return Client()
