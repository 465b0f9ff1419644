"""A first rule file from a name and its spellings: what `warn rules new` prints."""

import re
from collections.abc import Sequence
from string import Template
from typing import Final

from warn.match.fold import fold
from warn.model.errors import PermanentError, Reason
from warn.rulefile.check import TAKEN
from warn.rulefile.quantity import zone
from warn.rulefile.scalar import plain, unfit
from warn.rulefile.word import WHY_NEVER, never_found, term
from warn.stages.silence import BRAND

LONGEST: Final = 200

_ENGLISH: Final = Template("""\
# yaml-language-server: $$schema=./schema.json
#
# What warn listens for, and when it tells somebody. docs/rules.md explains every key.
# `warn rules check FILE` says whether the file is sound; `warn rules schema > schema.json` helps your editor.
version: 1

# The name as it appears on pages.
brand: $brand
# owner: "On call, +31 20 555 01 00"   # who answers for this file: the page says to call them
timezone: $timezone
language: en                          # of what is sent: en or nl

# shadow: judges and keeps a diary, but wakes nobody. Read the diary for a week or two, then write live.
mode: $mode

# So many false pages may all rules of this file together cost the person on call. A ceiling, never a target.
budget: 2 per 30d

# A first idea of normal. Without it warn begins from a cautious guess and learns from day one.
${usual}

# Our own accounts are left out of the counts.
# accounts:
#   - {source: bluesky, handle: "did:plc:..."}   # Bluesky tells accounts by their did
#   - {source: mastodon, handle: example@mastodon.social}

${channels}topics:
  $topic:
    # One of these makes a post one about us. Write spellings, nicknames, "@handles", "#tags" and "$$TICKER".
    any:
$terms
    # Namesakes: a post with one of these is not about us.
    # none: ["road runner"]
  # A narrower topic has a rule of its own below and pages sooner for what is serious:
  # safety:
  #   within: $topic
  #   any: {lexicon: safety}

groups:
  - name: $topic
    rules:
      - alert: $alert
        topic: $topic
        watch: [mentions, authors, echo]
        detector: spike
        # Evidence within an hour, whatever the detector says: 8 mentions by 5 people, or 100 of echo.
        at_least: [{mentions: 8, authors: 5}, {echo: 100}]
        # page wakes somebody, ticket waits for working hours, digest for the next summary.
        severity: page
        # labels: {team: comms}
        # annotations:
        #   summary: "Much more is said about us than usual."
        #   playbook: "https://example.org/playbook"
""")

_DUTCH: Final = Template("""\
# yaml-language-server: $$schema=./schema.json
#
# Waar warn naar luistert, en wanneer iemand bericht krijgt. docs/rules.md (Engels) legt elke sleutel uit.
# `warn rules check BESTAND` zegt of het bestand klopt; `warn rules schema > schema.json` helpt je editor.
version: 1

# De naam zoals die in berichten staat.
brand: $brand
# owner: "Dienst, +31 20 555 01 00"    # wie dit bestand beheert: de pagina zegt wie te bellen
timezone: $timezone
language: nl                          # taal van de berichten: nl of en

# shadow: oordeelt en houdt een dagboek bij, maar wekt niemand. Kijk een week of twee mee; schrijf dan live.
mode: $mode

# Zoveel keer mogen alle regels van dit bestand samen iemand voor niets wekken. Een plafond, nooit een doel.
budget: 2 per 30d

# Een eerste idee van wat gewoon is. Zonder dit begint warn met een voorzichtige schatting en leert het zelf.
${usual}

# Onze eigen accounts tellen niet mee.
# accounts:
#   - {source: bluesky, handle: "did:plc:..."}   # Bluesky kent accounts bij hun did
#   - {source: mastodon, handle: voorbeeld@mastodon.nl}

${channels}topics:
  $topic:
    # Met één hiervan gaat een bericht over ons: spelwijzen, bijnamen, "@accounts", "#tags", "$$BEURSCODE".
    any:
$terms
    # Naamgenoten: een bericht met één hiervan gaat niet over ons.
    # none: ["road runner"]
  # Een smaller onderwerp krijgt hieronder een eigen regel en waarschuwt eerder voor wat ernstig is:
  # veiligheid:
  #   within: $topic
  #   any: {lexicon: safety}

groups:
  - name: $topic
    rules:
      - alert: $alert
        topic: $topic
        watch: [mentions, authors, echo]
        detector: spike
        # Bewijs binnen een uur, wat de detector ook zegt: 8 berichten van 5 mensen, of echo 100.
        at_least: [{mentions: 8, authors: 5}, {echo: 100}]
        # page wekt iemand, ticket wacht tot kantoortijd, digest tot het volgende overzicht.
        severity: page
        # labels: {team: communicatie}
        # annotations:
        #   summary: "Er wordt veel meer over ons gesproken dan anders."
        #   playbook: "https://example.org/draaiboek"
""")

LANGUAGES: Final = {"en": _ENGLISH, "nl": _DUTCH}


class DraftError(PermanentError):
    """A name, spelling, language or time zone of which no rule file can be made."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason=Reason.CONFIG)


def draft(
    brand: str,
    spellings: Sequence[str] = (),
    *,
    language: str = "en",
    timezone: str = "UTC",
    mode: str = "shadow",
    press: Sequence[str] = (),
    usual: float | None = None,
) -> str:
    """The text of a rule file for a brand. Raises `DraftError` that says what cannot be.

    `press`: sources that are the press; `usual`: mentions that are usual in a day, where somebody knows.
    """
    if language not in LANGUAGES:
        raise DraftError(f"`{language}` is no language of ours; write {' or '.join(LANGUAGES)}")
    try:
        zone(timezone)
    except ValueError as e:
        raise DraftError(str(e)) from None
    if brand == BRAND:
        raise DraftError(TAKEN)
    for name in (brand, *spellings):
        _fit(name)
    words: dict[str, str] = {}
    for name in (brand, *spellings):
        words.setdefault(fold(name).strip(), name)
    return LANGUAGES[language].substitute(
        brand=quoted(brand),
        timezone=quoted(timezone),
        topic=_bare(_topic(brand)),
        alert=f"{_alert(brand)}Spike",
        terms="\n".join(f"      - {quoted(word)}" for word in words.values()),
        mode=mode,
        channels=_channels(press),
        usual="# usual: {mentions: 40 per day}"
        if usual is None
        else f"usual: {{mentions: {usual:g} per day}}",
    )


def _channels(press: Sequence[str]) -> str:
    if not press:
        return ""
    return "channels:\n" + "".join(f"  {_bare(one)}: {{role: press}}\n" for one in press) + "\n"


def _fit(name: str) -> None:
    if bad := unfit(name):
        raise DraftError(bad[1])
    if any(c in name for c in "\n\r\t"):
        raise DraftError("a name or spelling is one line, without line breaks and tabs")
    if len(name) > LONGEST:
        raise DraftError(f"{quoted(name[:40] + '…')} is longer than {LONGEST} characters")
    if never_found(term(name)):
        raise DraftError(f"{quoted(name)} can never be found: {WHY_NEVER}")


def quoted(text: str) -> str:
    """A YAML text in double quotes that reads back as exactly this text; what cannot be seen is escaped."""
    return '"' + "".join(_escaped(c) for c in text) + '"'


def _escaped(c: str) -> str:
    if c in '"\\':
        return "\\" + c
    if c.isprintable():
        return c
    code = ord(c)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _bare(text: str) -> str:
    """Without quotes where that reads back the same."""
    return text if re.fullmatch(r"[a-z][a-z0-9-]*", text) and plain(text) == text else quoted(text)


def _words(brand: str) -> list[str]:
    return re.sub(r"[^\w]|_", " ", brand).split()


def _topic(brand: str) -> str:
    return "-".join(_words(brand.casefold()))[:40].strip("-") or "brand"


def _alert(brand: str) -> str:
    return "".join(w[0].upper() + w[1:] for w in _words(brand))[:40] or "Brand"
