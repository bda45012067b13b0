"""Real-socket stand-ins for what the distribution talks to: model vendors and OTLP receivers."""
