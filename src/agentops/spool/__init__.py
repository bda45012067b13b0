"""The durable spool: what goes to a receiver is written to disk first, in the local store's format, and sent from there.

Opt-in by AGENTOPS_SPOOL=true. One folder for each receiver and signal; whoever sends there takes over what dead processes left.
"""
