"""The local store: OTLP JSON lines, one append-only file a process, under a per-user data folder."""
