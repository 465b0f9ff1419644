"""What a person can do about a connector that does not read, by the reason of its last failure."""

from typing import Final

from warn.ingest.status import ConnectorState

BY_REASON: Final = {
    "auth": "make a new key at the source, and put it into the settings",
    "rate_limited": "nothing: it goes on by itself; where it comes back, raise `every`, or read less",
    "client_error": "see the settings of this connector: what it asks for is refused",
    "server_error": "nothing: the trouble is theirs, and it goes on by itself",
    "network": "see whether this machine reaches the internet, by name and through its firewall",
    "timeout": "nothing at first; where it stays, see the network between, and their status page",
    "gone": "what it reads is not there any more: take it out of the settings, or give its new address",
    "malformed": "what comes cannot be read: the source has changed, or the address is another thing's",
    "hostile": "what comes is not safe to read: see what stands at this address",
    "refused": "see docs/connectors.md: it must not start as it is set up",
    "config": "mend the settings of this connector",
    "disk": "free space on the disk of the data folder",
    "spend": "wait until the period is over, or raise `spend.ceiling`",
    "unexpected": "a fault in the connector: the log line `connector_failed` says where",
}
"""Every word of `Reason` that a connector can fail for, and `unexpected`."""


def remedy(state: ConnectorState) -> str:
    """What to do about this connector; "" where nothing has to be done."""
    if state.state in {"running", "starting", "ended"} and not state.silence:
        return ""
    if state.silence == "lagging":
        return "what comes is older than 10 minutes and counts for nothing: see the status page of the source"
    if state.state == "running":
        return "it reads, and nothing comes: see whether the source still says anything"
    return BY_REASON.get(state.reason, "")
