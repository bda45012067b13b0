"""The gate over our own instrumentors: scenarios that drive real clients, whose telemetry `agentops_conformance` checks."""
