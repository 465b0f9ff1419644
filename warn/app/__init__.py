"""The composition root: builds everything, runs it in one TaskGroup, and drains it.

`pipeline` is the stages and their workers over a bus, which `run` (the daemon), `replay` (recordings, in event time)
and `demo` (the daemon over a made-up town) share.
"""
