"""Holds telemetry against the GenAI semantic conventions: a registry extract, rules over OTLP JSON lines, scenarios of ours."""
