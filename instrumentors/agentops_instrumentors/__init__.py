"""GenAI instrumentors for OpenTelemetry: a kernel (`core`) and one folder per provider."""
