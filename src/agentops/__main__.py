"""`python -m agentops` is the `agentops` command."""

from __future__ import annotations

import sys

from agentops.cli import main

if __name__ == "__main__":
    sys.exit(main())
