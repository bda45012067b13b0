"""Exporters to the AgentOps backend."""
