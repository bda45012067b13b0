"""Spans of the program's own work: agents, tools, operations."""
