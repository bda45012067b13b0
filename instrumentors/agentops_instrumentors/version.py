"""The distribution's version: one number for the kernel, every provider and the `agentops` package."""

__version__ = "0.1.0"
