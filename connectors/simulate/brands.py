"""Who is talked about in the town: made-up brands, how much is usually said of them, and in which languages."""

from typing import Final, NamedTuple


class Brand(NamedTuple):
    """`per_day`: posts that name it on an ordinary day, all sources together. `names`: how people write it."""

    name: str
    handle: str
    names: tuple[str, ...]
    per_day: float
    timezone: str
    languages: tuple[tuple[str, float], ...]
    things: dict[str, tuple[str, ...]]


ACME: Final = Brand(
    "Acme",
    "acme.example",
    ("Acme", "Acme", "Acme", "@acme.example", "#acme", "acme", "ACME"),
    40,
    "Europe/Amsterdam",
    (("en", 0.55), ("nl", 0.35), ("de", 0.06), ("fr", 0.04)),
    {
        "en": ("kettle", "toaster", "kettle lid", "coffee maker", "travel kettle", "blender", "milk frother"),
        "nl": ("waterkoker", "broodrooster", "koffiezetter", "reiswaterkoker", "blender", "melkopschuimer"),
        "de": ("Wasserkocher", "Toaster", "Kaffeemaschine"),
        "fr": ("bouilloire", "grille-pain", "cafetière"),
    },
)
BOREALIS: Final = Brand(
    "Borealis Bank",
    "borealis.example",
    ("Borealis Bank", "Borealis Bank", "@borealis.example", "#BorealisBank", "borealis bank"),
    60,
    "Europe/Brussels",
    (("en", 0.5), ("nl", 0.35), ("fr", 0.15)),
    {
        "en": ("app", "savings account", "debit card", "mortgage desk", "joint account", "card reader"),
        "nl": ("app", "spaarrekening", "betaalpas", "hypotheekbalie", "en/of-rekening", "kaartlezer"),
        "de": ("App", "Sparkonto", "Karte"),
        "fr": ("appli", "carte", "compte épargne"),
    },
)
LUMEN: Final = Brand(
    "Lumen Telecom",
    "lumen.example",
    ("Lumen Telecom", "Lumen Telecom", "@lumen.example", "#lumen", "lumen telecom"),
    90,
    "Europe/London",
    (("en", 0.75), ("nl", 0.15), ("de", 0.1)),
    {
        "en": ("fibre", "router", "roaming bundle", "phone plan", "TV box", "broadband"),
        "nl": ("glasvezel", "router", "bundel", "abonnement", "tv-kastje"),
        "de": ("Glasfaser", "Router", "Tarif"),
        "fr": ("fibre", "box", "forfait"),
    },
)

BRANDS: Final = (ACME, BOREALIS, LUMEN)

PLACES: Final = (
    "Oldhaven", "Marlow Bay", "Kestrel Hill", "Noordwaard", "Sint-Elsbeek", "Tarnbridge", "Ostvik", "Greywater",
    "Brackmoor", "Veldhuizen aan Zee", "Fernley Cross", "Molenschans",
)  # fmt: skip
OUTLETS: Final = ("harbourpost", "dagkoers", "northernwire", "marketlamp", "stadsblad", "eveningledger")
