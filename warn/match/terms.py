"""The words of a text that can say what it is about.

Addresses and handles are taken out first (a handle is a person), then everything that is no letter or digit parts
words. Stop words, numbers and words under three letters tell nothing; the brand's own words are in every mention of it.
"""

import re
from typing import Final

from warn.model.hashing import keyed
from warn.model.sealed import sealed
from warn.model.wire import written_term

MAX_WORDS: Final = 60
"""Words of a text that are looked at, from its beginning."""
MAX_TERMS: Final = 12
"""Different terms that one text contributes."""
MIN_LETTERS: Final = 3
MAX_LETTERS: Final = 30
_CACHE: Final = 100_000

_HANDLE: Final = re.compile(r"[\w@.-]*")
_ADDRESS: Final = re.compile(r"\S*")
# Letters and digits, with the marks that Indic, Arabic, Hebrew and Thai letters wear and `\\w` does not know.
_WORD: Final = re.compile("\\w[\\w'\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u0e31-\u0e4e]*")
_ASCII: Final = bytes(c if chr(c).isalnum() or chr(c) == "'" else 32 for c in range(128)).ljust(256)

_STOP_WORDS: Final = """
about above after again all also although always and another any anybody anyone anything are aren't around because
been before being below between both but can can't cannot could couldn't did didn't does doesn't doing don't done
down during each either else even ever every everyone everything few for from further get gets getting give gives
going gone gonna got had hadn't has hasn't have haven't having he'd he'll he's her here here's hers herself him
himself his how how's i'd i'll i'm i've instead into isn't it'd it'll it's its itself just know let let's like made
make makes many maybe might mine more most much must mustn't myself need never next nobody nor not nothing now off
often once one only onto other others our ours ourselves out over own people please put quite rather really said
same say says see seem seems shall she she'd she'll she's should shouldn't since some somebody someone something
still such sure take than that that's thats the their theirs them themselves then there there's these they they'd
they'll they're they've thing things think this those though through thru too today tomorrow under until upon use
used using very via want wants was wasn't way we'd we'll we're we've well went were weren't what what's whats when
when's where where's whether which while who who's whole whom whose why why's will with within without won't would
wouldn't yes yesterday yet you you'd you'll you're you've your yours yourself yourselves amp
aan alle alleen alles als altijd andere ben bent bij daar daarom dan dat deze die dit doch doe doen door dus een
eens elk elke en ervan gaan gaat geen geweest haar had heb hebben hebt heeft hem het hier hij hoe hun iedereen iemand
iets ik ja jij jou jouw jullie kan kon konden kunnen maar mag meer men met mij mijn moet moeten naar niet niets nog
ofwel ons onze ook omdat over reeds samen sinds sommige tegen toch toen tot tussen uit van vaak vanaf veel voor voord
waar waarom wanneer want waren wat weer wel werd werden wij wie wil willen wordt worden zal zelf zich zij zijn zonder
zou zouden zoals zo'n
aber alle allem allen aller alles als also andere anderen auch auf aus bei beim bin bis bist dabei dadurch dafür
damit dann das dass dein deine dem den denn der deren des dessen dich die dies diese dieser dieses dir doch dort
durch eine einem einen einer eines einfach einige erst euch euer für gegen gehen geht gibt hab habe haben hat hatte
hatten hier hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer immer ins ist jede jeder jedes jetzt kann kannst kein
keine keinen können könnte machen mal man mehr mein meine meinen meiner mich mir mit muss müssen nach nicht nichts
noch nun nur oder ohne sehr sein seine seinen seiner seit sich sie sind sogar soll sollen sollte sondern sonst über
und uns unser unsere unter viel viele vom von vor war waren warum was weil welche welcher wenn werde werden wer wie
wieder will wir wird wirklich wollen worden wurde wurden würde zum zur zwar zwischen
afin ainsi alors après aucun aucune aussi autre autres aux avait avant avec avoir ayant bien car ceci cela celle
celles celui cependant ces cet cette ceux chaque chez comme comment contre dans depuis des deux devant dire dit
doit donc dont elle elles encore entre est été être eux faire fait font hors ici ils jamais juste les leur leurs lors
lui mais même mes moi moins mon notre nos nous ont par parce pas pendant peu peut peuvent plus pour pourquoi quand
que quel quelle quelles quels qu'il qu'elle qui quoi rien sans sera ses seulement son sont sous sur tes toi ton tous
tout toute toutes trop très une vers voici voilà vos votre vous c'est c'était n'est j'ai d'un d'une
ahora algo algunos ante antes aquel aquella aquí así aunque bajo bien cada casi como con contra cual cuando cuya del
desde donde dos durante ella ellas ellos entonces entre era eran eres esa esas ese eso esos esta está están estas
este esto estos fue fueron había hace hacer hacia han hasta hay las los más mas mejor menos mientras mis mismo mucho
muchos muy nada nadie nos nosotros nuestra nuestro nunca otra otras otro otros para pero poco por porque pues que
quien quién qué según ser sea sido siempre sin sino sobre solo sólo son soy sus también tanto tener tengo tiene
tienen toda todas todavía todo todos tras tus una unas uno unos usted ustedes vamos van vez voy ya
"""
_STOP: Final = frozenset(_STOP_WORDS.split())


def _without(folded: str, mark: str, rest: re.Pattern[str]) -> str:
    """The text without every `mark` and what belongs to it."""
    first, *others = folded.split(mark)
    parts = [first]
    for other in others:
        found = rest.match(other)
        parts.append(other if found is None else other[found.end() :])
    return " ".join(parts)


def split_words(folded: str) -> list[str]:
    """All words of a folded text, from its beginning, without handles and addresses."""
    if "@" in folded:
        folded = _without(folded, "@", _HANDLE)
    if "://" in folded:
        folded = _without(_without(folded, "https://", _ADDRESS), "http://", _ADDRESS)
    if "www." in folded:
        folded = _without(folded, "www.", _ADDRESS)
    # Twice as fast as `re` where it can be used, which is most of the time.
    if folded.isascii():
        words = folded.encode("ascii").translate(_ASCII).decode("ascii").split()
    else:
        words = _WORD.findall(folded.replace("_", " "))
    if "'" in folded:
        return [bare for w in words if (bare := w.strip("'").removesuffix("'s"))]
    return words


def words_of(folded: str) -> tuple[str, ...]:
    """The first MAX_WORDS words of a folded text."""
    return tuple(split_words(folded)[:MAX_WORDS])


class Links(dict[str, int]):
    """Links to their keyed hashes, worked out once for each; 0 for none."""

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self._key = key

    def __missing__(self, link: str) -> int:
        if len(self) >= _CACHE:
            self.clear()
        made = self[link] = keyed(self._key, "link", link) if link else 0
        return made


class Terms(dict[str, bytes]):
    """Words to terms as they are written (`written_term`), sealed, worked out once; b"" for what tells nothing."""

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self._key = key

    def __missing__(self, word: str) -> bytes:
        if len(self) >= _CACHE:
            self.clear()
        if not tells(word):
            self[word] = b""
            return b""
        made = self[word] = written_term(keyed(self._key, "term", word), sealed(self._key, word))
        return made


class Vocabulary:
    """What words and links are counted as."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.terms = Terms(key)
        self.links = Links(key)


def tells(word: str) -> bool:
    """Whether a word can be a term: three letters or more (two in scripts of many signs), no number, no stop word."""
    letters = len(word) if word.isascii() or word[0] < "\u2e80" else len(word) + 1
    return letters >= MIN_LETTERS and len(word) <= MAX_LETTERS and not word[0].isdigit() and word not in _STOP
