"""Callback handlers, and the runs that frameworks tell them of."""
