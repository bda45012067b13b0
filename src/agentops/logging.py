"""The logger of the distribution."""

from agentops_instrumentors.core.guard import logger

__all__ = ["logger"]
