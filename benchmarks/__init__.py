"""What instrumentation costs: one harness, one adapter a peer, every peer in an environment of its own."""
