"""Names of the Kafka topics and of the stages that read them."""

MENTIONS = "mentions"
SIGNALS = "signals"
DESK = "desk"
EVIDENCE = "evidence"
HISTORY = "history"
INCIDENTS = "incidents"
CONFIG = "config"
AUDIT = "audit"
DEADLETTERS = "deadletters"

TOPICS = (MENTIONS, SIGNALS, DESK, EVIDENCE, HISTORY, INCIDENTS, CONFIG, AUDIT, DEADLETTERS)

COLLECT = "collect"
MATCH = "match"
DETECT = "detect"
RESPOND = "respond"

STAGE_INPUT = {MATCH: MENTIONS, DETECT: SIGNALS, RESPOND: DESK}
"""The one input topic of each stage; collect has none, the world is its input."""

WEB = "web"
"""Shows what the stages have said; it has no seat, and every process that runs it has all of it."""
EVERYTHING = (COLLECT, MATCH, DETECT, RESPOND, WEB)
"""What a process can be asked to do, in the order in which work flows."""
