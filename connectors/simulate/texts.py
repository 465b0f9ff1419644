"""What people say in the town on an ordinary day. All invented; {b} is the brand, {t} one of its things, {p} a place.

Three moods: `grumble` (an ordinary complaint), `chat` and `praise`. They differ in words, because a detector that only
ever saw one sentence twice would find any crisis.
"""

from typing import Final

GRUMBLE: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "My {b} {t} arrived with a dent and nobody answers the phone",
        "Third email to {b} about the {t}, still no reply. Lovely.",
        "Is it just me or did {b} get slower since the spring?",
        "{b}, your {t} instructions were clearly written by somebody who has never seen one",
        "Waited in for the {b} delivery all day in {p}. It went to the neighbours. The neighbours moved.",
        "why does the {b} {t} need an account. it is a {t}",
        "Cancelled with {b} in March, billed again in {m}. Classic.",
        "The {b} shop in {p} closes at five now?? who is that for",
        "{n} minutes on hold with {b} and then it hung up",
        "The new {b} {t} is louder than the old one and somehow worse",
        "Hey {b} the voucher from your letter does not work, tried {n} times",
        "{b} sent me somebody else's {t} manual, in a language I cannot even name",
        "not impressed with {b} today, {t} stopped after {n} weeks",
        "Dear {b}, 'within three working days' was {n} working days ago",
        "{b} support closed my ticket without an answer. Again.",
        "The {t} from {b} is fine, the packaging is a crime against cardboard",
        "Anyone else getting the same {b} text message {n} times a day?",
        "Price of the {b} {t} went up {n} percent and it lost a button",
    ),
    "nl": (
        "Al {n} dagen wachten op mijn {t} van {b}, bezorger zegt dat ik niet thuis was",
        "Waarom neemt er bij {b} nooit iemand de telefoon op",
        "{b} heeft mijn klacht gesloten zonder antwoord, netjes hoor",
        "De {t} van {b} doet het na {n} weken al niet meer",
        "Winkel van {b} in {p} is dicht op zaterdag, wie bedenkt dat",
        "Weer een verhoging bij {b}, deze keer {n} procent",
        "Handleiding van mijn {b} {t} is alleen in het Fins",
        "{b}, jullie formulier loopt vast bij stap {n}",
        "Kortingscode van {b} werkt niet, heeft iemand anders dat ook?",
        "Monteur van {b} zou tussen 8 en 18 komen. Raad eens",
    ),
    "de": (
        "Seit {n} Tagen warte ich auf meinen {t} von {b}",
        "{b} Hotline: {n} Minuten Musik, dann aufgelegt",
        "Der {t} von {b} war schon beim Auspacken verkratzt",
    ),
    "fr": (
        "Toujours pas de réponse de {b} pour mon {t}, ça fait {n} jours",
        "Le magasin {b} de {p} est encore fermé",
        "Chez {b} on attend {n} minutes et puis ça coupe",
    ),
}  # fmt: skip

CHAT: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "Does anyone know if {b} ships to {p}?",
        "Looking for a second-hand {b} {t}, anyone near {p}?",
        "My aunt worked at {b} for {n} years, she still has the mug",
        "Is the {b} {t} worth it over the no-name one?",
        "TIL {b} started in a shed in {p}",
        "{b} is hiring in {p}, in case somebody is looking",
        "Moving house: {b} or somebody else for the {t}?",
        "Saw the {b} van {n} times today. It is following me",
        "How do you reset the {t} from {b}? Asking for a father",
        "The {b} stand at the fair in {p} has free tea",
        "Quick question for people with a {b} {t}: does the light blink green?",
        "{b} opens a new place in {p} in {m}",
        "Reading the {b} annual report so you don't have to. Page {n} is a picture of a lighthouse",
        "Quiz night: name {n} things made by {b}",
        "I like that {b} answers in whole sentences",
        "Old {b} adverts are strangely calming",
        "Has {b} said anything about opening hours over the holidays?",
        "Comparing {t}s: {b} is third, which nobody expected, least of all me",
    ),
    "nl": (
        "Weet iemand of {b} ook in {p} bezorgt?",
        "Is de {t} van {b} beter dan het huismerk?",
        "Bij {b} zoeken ze mensen in {p}",
        "Mijn oma heeft nog een {t} van {b} uit 1974, doet het gewoon",
        "Iemand een tip: {t} van {b} kopen of wachten op de aanbieding?",
        "Hoe reset je de {t} van {b}?",
        "{b} opent in {m} een winkel in {p}",
        "Wie was er ook bij de open dag van {b} in {p}?",
        "Gezocht: tweedehands {t} van {b}, omgeving {p}",
        "Vraagje over {b}: geldt de garantie ook zonder bon?",
    ),
    "de": (
        "Hat jemand Erfahrung mit dem {t} von {b}?",
        "{b} eröffnet im {m} in {p}",
        "Suche gebrauchten {t} von {b}",
    ),
    "fr": (
        "Quelqu'un a déjà testé {t} de {b} ?",
        "{b} recrute à {p}",
        "Vous prendriez {b} pour un {t} ?",
    ),
}  # fmt: skip

PRAISE: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "Credit where due: {b} fixed my {t} in a day",
        "The person on the {b} chat deserves a raise",
        "{n} years with the same {b} {t} and not one complaint",
        "New {b} {t} came today and it is gorgeous",
        "Shout-out to {b} in {p} for staying open late",
        "Honestly the {b} {t} made my mornings better",
        "{b} sent a handwritten card with the {t}. Who does that? I love it",
        "Recommended {b} to my brother, he recommended it back to me",
        "Small thing, but {b} remembered my name",
        "The {b} advert with the lighthouse is really good",
    ),
    "nl": (
        "Complimenten voor {b}, {t} binnen een dag gemaakt",
        "Fijne mensen bij {b} in {p}",
        "Al {n} jaar dezelfde {t} van {b}, nooit gedoe",
        "Nieuwe {t} van {b} binnen, wat een mooi ding",
        "De reclame van {b} met de vuurtoren, zo goed",
        "Top geholpen door {b} vandaag",
    ),
    "de": ("Großes Lob an {b}, {t} in einem Tag repariert", "Der neue {t} von {b} ist richtig schön"),
    "fr": ("Bravo {b}, {t} réparé en un jour", "Très contente de mon {t} {b}"),
}  # fmt: skip

FOOTBALL: Final = (
    "{b} on the shirt and we are two up, what a night",
    "GOAAAL. and the {b} boards light up. goosebumps",
    "That save!! brought to you by {b} apparently",
    "Full time in {p}. The {b} cup stays here",
    "the {b} half-time show was better than the first half",
    "Offside my foot. Even the {b} drone saw it",
    "Great crowd at the {b} arena tonight",
    "{b} giving away {n} shirts, retweet to win they say",
)
ADVERT: Final = (
    "The {b} lighthouse advert again. I am crying over a {t}",
    "ok the new {b} campaign is sweet",
    "Who made the {b} film? give them all the prizes",
    "My kids sing the {b} song now. Send help",
    "New {b} spot with the old lady in {p} <3",
    "{b} doing what adverts should do: {n} seconds, one joke, out",
)
RING: Final = (
    "FREE {b} vouchers worth {n}00 for the first thousand, claim yours before midnight, link in bio!!"
)

AGREE: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "same here", "oh no", "this happened to me too", "ha", "no idea sorry", "try turning it off and on",
        "which one do you have?", "thanks!", "not surprised", "good to know", "lol", "did you call them?",
        "where was this?", "works fine for me", "I wondered about that",
    ),
    "nl": ("hier ook", "oei", "haha", "geen idee", "welke heb je?", "bedankt!", "goed om te weten", "bij mij werkt het"),
    "de": ("bei mir auch", "oh je", "danke"),
    "fr": ("pareil", "ah bon", "merci"),
}  # fmt: skip

ELSEWHERE: Final = (
    "The tide is out and so am I", "Rain in {p} again, day {n}", "Anyone up for five-a-side on Thursday?",
    "My sourdough has a name now", "Bus {n} is late. Bus {n} is always late.", "zes graden en toch ijs gekocht",
    "Lost: one grey cat near {p}, answers to nothing", "Just finished the book everyone read in {m}",
    "mooie zonsondergang boven {p}", "Who left a sofa on the roundabout", "Markt in {p} was gezellig vandaag",
    "Train strike on the {n}th then?", "I have {n} tabs open and one of them is playing music",
    "New bakery in {p}. This is not a drill", "Kan iemand mijn fiets lenen, ik bedoel andersom",
    "The fog this morning, honestly", "Heute wieder Nebel in {p}", "Il pleut encore à {p}",
    "Choir practice moved to Tuesday", "school run, {n} lost gloves", "Wie past er zaterdag op de hond?",
    "Is the pool open?", "Power's back on our street", "Nobody tells you how long grouting takes",
)  # fmt: skip

MONTHS: Final = ("January", "March", "May", "June", "September", "October", "November")
