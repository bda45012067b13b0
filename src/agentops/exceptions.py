"""Exceptions a program may meet or catch."""

from __future__ import annotations


class AgentOpsError(Exception):
    """Base of all of them."""


class ConfigurationError(AgentOpsError, ValueError):
    """A setting that can't change any more was asked to."""


class ValidationError(AgentOpsError):
    """A trace lacks what it was expected to hold."""


class NoApiKeyException(AgentOpsError):  # noqa: N818 - the name programs catch
    """There is no API key where one is needed."""

    def __init__(self, message: str = "No API key: set AGENTOPS_API_KEY or pass api_key=") -> None:
        super().__init__(message)


class InvalidApiKeyException(AgentOpsError):  # noqa: N818 - the name programs catch
    """The backend knows no such API key."""


class ApiServerException(AgentOpsError):  # noqa: N818 - the name programs catch
    """The backend did not answer as it should."""


class NoSessionException(AgentOpsError):  # noqa: N818 - the name programs catch
    """There is no session. Sessions never raise it; programs may catch it."""


class MultiSessionException(AgentOpsError):  # noqa: N818 - the name programs catch
    """There are several sessions where one was expected. Sessions never raise it; programs may catch it."""


class AgentOpsClientNotInitializedException(AgentOpsError, RuntimeError):  # noqa: N818 - the name programs catch
    """`init()` was not called. Functions initialise themselves; programs may catch it."""
