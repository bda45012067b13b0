"""Integrations that a program adds itself, where its framework takes callback handlers."""
