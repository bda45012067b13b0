"""The kernel every instrumentor stands on: OpenTelemetry API only, no SDK, no vendor, nothing of `agentops`."""
