"""Instructions instead of seconds: what instrumentation adds to a call, counted by valgrind, the same on a busy machine as on a calm one.

`workload.py` are the calls, `worker.py` the process that makes them under valgrind, `count.py` starts it and reads the counts,
`record.py` compares them with `record.json`.
"""
