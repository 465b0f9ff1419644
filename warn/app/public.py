"""What a company can publish about its listening: where, why, what is kept and for how long, what is refused.

It is made of the settings and rule files that are in force, so it cannot promise what is not done.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from warn.bus.topics import RETENTION_S
from warn.model.errors import PermanentError, Reason
from warn.model.flow import AUDIT, DEADLETTERS, EVIDENCE, HISTORY, INCIDENTS, MENTIONS
from warn.rulefile import load
from warn.settings import Settings

KEPT: Final = (MENTIONS, DEADLETTERS, EVIDENCE, HISTORY, INCIDENTS, AUDIT)
PURPOSES: Final = {"": "public", "press": "press", "own": "own", "care": "care", "internal": "internal"}


def listening(settings: Settings) -> dict[str, Any]:
    """Plain data: brands, whom to ask (`contact`, "" where none is set), channels with role and governance, days of
    keeping, and whether what is erased is overwritten where it lies (`rewrites`; Kafka cannot). Owners of rule files and
    of governance are for colleagues: they may be a person's name and telephone number, and are left out.
    """
    loaded = load([settings.rules])
    if loaded.ruleset is None:
        raise PermanentError(
            f"{settings.rules}: the rule files have mistakes; `warn rules check {settings.rules}` shows them",
            reason=Reason.CONFIG,
        )
    ruleset = loaded.ruleset
    roles = {channel.source: channel.role for _, channel in ruleset.channels if channel.role}
    channels = [
        {
            "name": name,
            "type": str(getattr(config, "type", "")),
            "role": config.role or roles.get(config.origin, ""),
            "governance": None
            if config.governance is None
            else config.governance.model_dump(mode="json", exclude={"owner"}),
        }
        for name, config in settings.connectors.items()
    ]
    return {
        "brands": sorted({rule.brand for rule in ruleset.rules}),
        "contact": settings.contact or "",
        "channels": channels,
        "keeps_days": {name: RETENTION_S[name] // 86_400 for name in KEPT},
        "rewrites": settings.bus.kafka is None,
    }


_EN: Final[Mapping[str, str]] = {
    "title": "# How {brands} listens",
    "why": "We use warn, open software, to notice early when something about us worries many people, so that we can "
    "answer before it grows. We watch topics, never people.",
    "where": "## Where",
    "public": "public posts",
    "press": "news",
    "own": "our own pages and accounts",
    "care": "what customers write to us: only counts are shown, and the text to nobody",
    "internal": "what staff write there: only counts are shown, and the text to nobody",
    "nowhere": "Nowhere yet.",
    "governed": "  Purpose: {purpose}. Questions: {contact}. More: {notice_url}. Assessment: {dpia}. Works council: "
    "{works_council}.",
    "keep": "## What is kept, and for how long",
    "kept": "| What | Days |",
    "mentions": "public posts that name us, with text and link, without the writer's name",
    "unshown": "what customers and staff write, where we listen to them: the text, which nobody is shown",
    "deadletters": "messages that could not be read",
    "evidence": "a few posts an incident, to show what it was about",
    "history": "numbers; nobody is in them",
    "incidents": "what we were told of each incident: numbers, and words that at least five people used",
    "audit": "whose wish to be erased was followed, as keyed numbers",
    "refuse": "## What we do not do",
    "refused": (
        "- No profile, score or search of a person. Writers are told apart by a keyed number that leads back to nobody.\n"
        "- No direct messages, private channels, or spaces of unions, works councils or confidential advisers.\n"
        "- Of staff and customers nothing is shown but counts, and none under five different people.\n"
        "- What its writer deletes we delete within a day, from everything that can be shown."
    ),
    "rights": "## Your rights",
    "ask": "Ask us what we keep of you, or to have it erased: {contact}. {goes}, and what you write afterwards is not taken in.",
    "goes": "It then goes from all that is kept",
    "goes.later": "From then on it is shown nowhere, it is gone after {days} days at the latest",
    "nobody": "our communications department",
}
_NL: Final[Mapping[str, str]] = {
    "title": "# Hoe {brands} luistert",
    "why": "We gebruiken warn, open software, om vroeg te merken dat iets over ons veel mensen bezighoudt, zodat we kunnen "
    "antwoorden voor het groeit. We volgen onderwerpen, nooit mensen.",
    "where": "## Waar",
    "public": "openbare berichten",
    "press": "nieuws",
    "own": "onze eigen pagina's en accounts",
    "care": "wat klanten ons schrijven: alleen aantallen worden getoond, en de tekst aan niemand",
    "internal": "wat medewerkers daar schrijven: alleen aantallen worden getoond, en de tekst aan niemand",
    "nowhere": "Nog nergens.",
    "governed": "  Doel: {purpose}. Vragen: {contact}. Meer: {notice_url}. Beoordeling: {dpia}. Ondernemingsraad: "
    "{works_council}.",
    "keep": "## Wat we bewaren, en hoe lang",
    "kept": "| Wat | Dagen |",
    "mentions": "openbare berichten die ons noemen, met tekst en link, zonder de naam van de schrijver",
    "unshown": "wat klanten en medewerkers schrijven, waar we naar hen luisteren: de tekst, die niemand te zien krijgt",
    "deadletters": "berichten die niet te lezen waren",
    "evidence": "een paar berichten per incident, om te tonen waar het over ging",
    "history": "getallen; daar staat niemand in",
    "incidents": "wat ons bij een incident gemeld werd: getallen, en woorden die minstens vijf mensen gebruikten",
    "audit": "wiens wens om gewist te worden is gevolgd, als versleutelde getallen",
    "refuse": "## Wat we niet doen",
    "refused": (
        "- Geen profiel, score of zoekopdracht van een mens. Schrijvers onderscheiden we met een versleuteld getal dat naar "
        "niemand terugvoert.\n"
        "- Geen privéberichten, besloten kanalen, of ruimten van vakbonden, ondernemingsraden of vertrouwenspersonen.\n"
        "- Van medewerkers en klanten tonen we alleen aantallen, en geen onder de vijf verschillende mensen.\n"
        "- Wat de schrijver verwijdert, verwijderen wij binnen een dag uit alles wat te tonen is."
    ),
    "rights": "## Uw rechten",
    "ask": "Vraag ons wat we van u bewaren, of om het te wissen: {contact}. {goes}, en wat u daarna schrijft nemen we niet op.",
    "goes": "Het verdwijnt dan uit alles wat we bewaren",
    "goes.later": "Het wordt dan nergens meer getoond, is na hooguit {days} dagen verdwenen",
    "nobody": "onze afdeling communicatie",
}
LANGUAGES: Final = {"en": _EN, "nl": _NL}


def page(found: Mapping[str, Any], language: str) -> str:
    """The page, in Markdown. Raises PermanentError for a language that is not there."""
    if language not in LANGUAGES:
        raise PermanentError(f"there is no page in {language!r}; there are: en, nl", reason=Reason.CONFIG)
    return "\n".join(_lines(found, LANGUAGES[language])) + "\n"


def _lines(found: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[str]:
    contact = found["contact"] or words["nobody"]
    yield words["title"].format(brands=", ".join(found["brands"]) or "warn")
    yield f"\n{words['why']}\n\n{words['where']}\n"
    if not found["channels"]:
        yield words["nowhere"]
    for one in found["channels"]:
        yield f"- {one['name']} ({one['type']}): {words[PURPOSES[one['role']]]}"
        if one["governance"]:
            yield words["governed"].format(**one["governance"], contact=contact)
    yield f"\n{words['keep']}\n\n{words['kept']}\n| --- | --- |"
    for name, days in found["keeps_days"].items():
        yield f"| {words[name]} | {days} |"
        if name == MENTIONS and any(one["role"] in {"care", "internal"} for one in found["channels"]):
            yield f"| {words['unshown']} | {days} |"
    yield f"\n{words['refuse']}\n\n{words['refused']}\n\n{words['rights']}\n"
    days = max(found["keeps_days"][name] for name in (MENTIONS, DEADLETTERS, EVIDENCE))
    goes = words["goes"] if found["rewrites"] else words["goes.later"].format(days=days)
    yield words["ask"].format(contact=contact, goes=goes)
