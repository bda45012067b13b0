"""Times as ISO 8601 text in UTC and as nanoseconds since the epoch."""

from __future__ import annotations

from datetime import datetime, timezone

_NANO = 1_000_000_000


def get_ISO_time() -> str:  # noqa: N802 - the name programs import
    """Now."""
    return datetime.now(timezone.utc).isoformat()


def iso_to_unix_nano(iso_time: str) -> int:
    """Nanoseconds since the epoch; a time without a zone is UTC."""
    moment = datetime.fromisoformat(iso_time.replace("Z", "+00:00"))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return int(moment.replace(microsecond=0).timestamp()) * _NANO + moment.microsecond * 1000


def from_unix_nano_to_iso(unix_nano: int) -> str:
    """To the microsecond."""
    seconds, rest = divmod(unix_nano, _NANO)
    return datetime.fromtimestamp(seconds, timezone.utc).replace(microsecond=rest // 1000).isoformat()
