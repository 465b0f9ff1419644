"""What a person can do about a connector that does not read, by the reason of its last failure."""

from collections.abc import Mapping
from typing import Final

from warn.ingest.status import ConnectorState

BY_REASON: Final = {
    "auth": "make a new key at the source, and put it into the settings",
    "rate_limited": "nothing: it goes on by itself; where it comes back, raise `every`, or read less",
    "client_error": "see the settings of this connector: what it asks for is refused",
    "server_error": "nothing: the trouble is theirs, and it goes on by itself",
    "network": "do what its error says; else see whether this machine reaches the internet, by name and through its firewall",
    "timeout": "nothing at first; where it stays, see the network between, and their status page",
    "gone": "what it reads is not there any more: take it out of the settings, or give its new address",
    "malformed": "what comes cannot be read: the source has changed, or the address is another thing's",
    "hostile": "what comes is not safe to read: see what stands at this address",
    "refused": "see docs/connectors.md: it must not start as it is set up",
    "config": "mend the settings of this connector",
    "disk": "free space on the disk of the data folder",
    "spend": "wait until the period is over, or raise `spend.ceiling`",
    "unexpected": "a fault in the connector: the log line `connector_failed` says where",
    "lagging": "what comes is older than 10 minutes and counts for nothing: see the status page of the source",
    "nothing": "it reads, and nothing comes: see whether the source still says anything",
    "unread": "set up a connector for it, or take its `expect` out of the rule file",
}
"""Every word of `Reason` that a connector can fail for, `unexpected`, and what is wrong without an error."""
DUTCH: Final = {
    "auth": "maak bij de bron een nieuwe sleutel, en zet die in de instellingen",
    "rate_limited": "niets: het gaat vanzelf verder; komt het terug, verhoog dan `every`, of lees minder",
    "client_error": "bekijk de instellingen van deze connector: wat hij vraagt wordt geweigerd",
    "server_error": "niets: de storing is bij hen, en het gaat vanzelf verder",
    "network": "doe wat de fout zegt; kijk anders of deze machine het internet bereikt, op naam en door de firewall",
    "timeout": "eerst niets; blijft het, bekijk dan het netwerk ertussen en hun statuspagina",
    "gone": "wat hij leest is er niet meer: haal het uit de instellingen, of geef het nieuwe adres",
    "malformed": "wat er komt is niet te lezen: de bron is veranderd, of op het adres staat iets anders",
    "hostile": "wat er komt is niet veilig te lezen: kijk wat er op dit adres staat",
    "refused": "zie docs/connectors.md: zo mag hij niet starten",
    "config": "herstel de instellingen van deze connector",
    "disk": "maak ruimte op de schijf van de gegevensmap",
    "spend": "wacht tot de periode voorbij is, of verhoog `spend.ceiling`",
    "unexpected": "een fout in de connector: de logregel `connector_failed` zegt waar",
    "lagging": "wat komt is ouder dan 10 minuten en telt niet mee: bekijk de statuspagina van de bron",
    "nothing": "hij leest, en er komt niets: kijk of de bron zelf nog iets zegt",
    "unread": "stel er een connector voor in, of haal `expect` uit het regelbestand",
}


def remedy(state: ConnectorState, language: str = "en") -> str:
    """What to do about this connector; "" where nothing has to be done."""
    if state.state in {"running", "starting", "ended"} and not state.silence:
        return ""
    # One that fails again and again is reading for moments in between: that does not make it well.
    why = "disk" if state.state == "paused" else state.reason or "nothing"
    return _by(language).get("lagging" if state.silence == "lagging" else why, "")


def remedy_of_pulse(state: ConnectorState | None, language: str = "en") -> str:
    """What to do about a channel that is not heard though its connector is well; None: no connector has brought it."""
    if state is None:
        return _by(language)["unread"]
    return _by(language)["nothing"] if state.state == "running" else _by(language).get(state.reason, "")


def _by(language: str) -> Mapping[str, str]:
    return DUTCH if language == "nl" else BY_REASON
