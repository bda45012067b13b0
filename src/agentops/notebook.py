"""IPython and Jupyter, where no session starts by itself: a kernel lives for days and cells run in any order."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from agentops.config import settings
from agentops_instrumentors.core import environment

if TYPE_CHECKING:
    from collections.abc import Callable


def in_ipython() -> bool:
    """Whether this is an IPython terminal or kernel."""
    module = sys.modules.get("IPython")
    get_ipython = cast("Callable[[], object] | None", getattr(module, "get_ipython", None))
    return get_ipython is not None and get_ipython() is not None


def sessions_start_by_themselves() -> bool:
    """`auto_start_session`, which in IPython is off unless the environment turns it on."""
    return settings().auto_start_session and (not in_ipython() or bool(environment.text("AGENTOPS_AUTO_START_SESSION")))
