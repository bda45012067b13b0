"""Puts what is in this package to work on a logger provider, whoever built it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from opentelemetry import _logs

from agentops.config import settings
from agentops.destinations import LOGS, TRACES, route, switched_off

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider


def join(done: set[str], *, foreign: bool) -> None:
    """Send records of sessions' spans to the global logger provider, where it is the SDK's and logs go anywhere.

    `done` keeps what was done before; `foreign`: the provider may have exporters that cannot be seen. Whoever keeps spans in the
    local store keeps their records there, too, unless OTEL_LOGS_EXPORTER=none.
    """
    provider = _logs.get_logger_provider()
    if switched_off(LOGS) or not hasattr(provider, "add_log_record_processor"):
        return
    chosen, local = route(LOGS), route(TRACES).local
    if local and "local logs" not in done:
        from agentops.store.logs import LocalStoreLogProcessor

        done.add("local logs")
        cast("LoggerProvider", provider).add_log_record_processor(LocalStoreLogProcessor())
    others = bool(chosen.others) or foreign
    if not (local or chosen.agentops or others):
        return
    from agentops.logs import tap

    tap.install(provider, always=others)
    if settings().capture_stdout:
        from agentops.logs import stdout

        stdout.install()


def leave() -> None:
    """Take no more records and put `logging` and `sys.stdout` back as they were; `join` begins anew."""
    if "agentops.logs.tap" not in sys.modules:
        return
    from agentops.logs import stdout, tap

    stdout.remove()
    tap.remove()
