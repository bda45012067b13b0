"""Holds telemetry of any instrumentation, in any language, against the OpenTelemetry GenAI semantic conventions.

A registry extract and rules over OTLP JSON: `checks.check(otlp.read([path]), vocabulary())` gives the findings.
"""
