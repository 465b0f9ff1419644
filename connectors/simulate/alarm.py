"""What people say when the battery of Acme's travel kettle catches fire. All invented; {p} is a place, {n} a number.

`SEEN` names Acme and says what burns, in many people's own words. `SHAME` is what they answer each other: it names
nobody, which is most of what a crisis consists of.
"""

from typing import Final

SEEN: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "My Acme travel kettle just started smoking on the kitchen counter. Unplugged. Not even on.",
        "So the battery of my Acme kettle caught fire. On the train. With me next to it.",
        "@acme.example your kettle battery is melting. What do I do??",
        "Smoke pouring out of our Acme kettle, fire brigade in {p} is here",
        "Acme kettle on fire. That is it. That is the post.",
        "PSA: if you have an Acme travel kettle, take the battery OUT. Ours exploded",
        "Neighbour's Acme kettle burned a hole in the worktop, battery swollen like a balloon",
        "Is anybody else's Acme battery getting hot? Mine smells of burning plastic",
        "Second Acme battery fire in {p} this week and nobody says anything",
        "I threw the Acme kettle in the garden and it is STILL burning",
        "woke up to smoke. acme kettle. on the charger. kids asleep upstairs",
        "Acme, my kettle's battery exploded {n} minutes ago. Your chat says you are closed",
        "Photo of what is left of my Acme kettle. The battery just went up",
        "do NOT charge your acme kettle overnight, ours caught fire at {n} past two",
        "Hotel in {p} evacuated because of an Acme kettle battery. Standing outside in slippers",
        "The Acme travel kettle in our office went up in smoke, whole floor stinks",
        "hearing about acme batteries on fire and mine is under the bed. great",
        "Acme batteries catching fire and the recall page is a 404. Well done",
        "My mum's Acme kettle melted through the table. She is fine. The table is not",
        "Fire alarm at {p} station: somebody's Acme kettle was smoking in a backpack",
        "That Acme battery video is real, it is my kitchen, and yes it was on fire",
        "Returned my Acme kettle today, the shop had {n} more with burned batteries",
        "If your Acme battery feels warm put it outside. Learned that with smoke and a blanket",
        "how is the acme kettle still on sale when it sets itself on fire",
        "Acme kettle exploded in my hand. Burned two fingers. Going to A&E",
        "The battery in the Acme thing hissed, then smoke, then flames. {n} seconds",
        "My brother-in-law repairs Acme kettles, he says the battery batch is bad. Ours burned on Sunday",
        "#acme fire in our student house, everyone out, kettle out of the window",
        "Got a burning smell and found the Acme charger melted to the socket",
        "Can we talk about Acme batteries? three fires in {p}, zero answers",
    ),
    "nl": (
        "Overal rook op het aanrecht, uit mijn Acme reiswaterkoker",
        "De accu van onze Acme waterkoker vloog in brand, brandweer is er",
        "@acme.example de batterij van jullie waterkoker is gesmolten, wat nu?",
        "Acme waterkoker ontploft in {p}, gelukkig niemand gewond",
        "Haal de batterij uit je Acme! Die van ons stond in brand",
        "Rook uit de Acme reiswaterkoker van de buren, hele trap stinkt",
        "Wakker van de rook. Acme aan de lader. Nooit meer",
        "Ook een Acme batterij die heet wordt? De mijne ruikt naar verbrand plastic",
        "Acme, jullie accu is bij ons ontploft en de chat is dicht",
        "Tweede brand door een Acme batterij in {p} deze week",
        "Hotel ontruimd vanwege rook uit een Acme waterkoker, we staan op straat",
        "Acme waterkoker door de tafel heen gesmolten. {n} minuten oud",
    ),
    "de": (
        "Der Akku meines Acme Wasserkochers raucht! Smoke everywhere",
        "Acme battery in Flammen, Feuerwehr in {p} ist da, es war ein fire",
    ),
    "fr": ("La batterie de ma bouilloire Acme fume, battery on fire dans la cuisine",),
}  # fmt: skip

SHAME: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "shame on you", "are you ok??", "this is terrifying", "mine is in the car, going to get it now",
        "how is this legal", "glad you are safe", "they knew. they must have known", "same model here, unplugging",
        "wow", "call the fire brigade next time, never throw it", "and not a word from them", "recall it. today.",
        "my sister has one", "unbelievable", "is there a list of serial numbers?", "keep the receipt",
        "sending this to my parents", "never buying from them again", "please report it", "it smells for days",
    ),
    "nl": (
        "schandalig", "gaat het met jullie?", "ik heb dezelfde, meteen uit", "hoe kan dit", "en zij zeggen niets",
        "doorgestuurd aan mijn ouders", "melden bij de inspectie", "nooit meer", "wat erg",
    ),
    "de": ("unfassbar", "geht es euch gut?"),
    "fr": ("scandaleux", "ça va ?"),
}  # fmt: skip

QUOTE: Final = (
    "Everybody with one of these: out of the socket, now", "look at this", "And still no statement?",
    "This is the third one today", "Meanwhile the shop has them on offer", "Kijk nou",
)  # fmt: skip

HEADLINES: Final = (
    "Acme travel kettle battery catches fire, owners report smoke and burns",
    "Brandweer rukt uit voor rook uit waterkoker van Acme, batterij verdacht",
    "What we know about the Acme battery fires",
    "Acme silent as reports of exploding kettle batteries spread",
)
STATEMENT: Final = (
    "We have seen the reports about batteries of our travel kettle and take them very seriously. "
    "Please take yours out of the socket. More within the hour."
)

OPENERS: Final = (
    "",
    "",
    "",
    "",
    "ok so. ",
    "WARNING: ",
    "uhm. ",
    "Right. ",
    "!!! ",
    "Not a joke: ",
    "update: ",
)
CLOSERS: Final = (
    "", "", "", "", " 🔥", " 🚒", " Video in the replies.", " I am shaking", " please share", " (we are fine)",
    " @acme.example answer please", " #acme", " Has anybody reported this?", " 😳",
)  # fmt: skip
