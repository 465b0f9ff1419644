"""How warn is watched: the only code that knows structlog and prometheus_client.

Logic says what happened by calling a function of `events`; that is one log line and one counter. `metrics` declares
every metric once, `logs` sets logging up once. Neither lines nor labels ever hold the text of a mention, a link, a
name or a native id: hashes, numbers and names from the configuration only.
"""
