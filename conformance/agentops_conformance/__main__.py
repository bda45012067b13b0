"""`python -m agentops_conformance` is `agentops conformance`."""

import sys

from agentops_conformance.cli import main

sys.exit(main())
