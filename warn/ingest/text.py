"""Text as people read it: out of HTML, and in which language.

Both take whatever the open web holds: time and memory grow in step with the input, up to a bound, and nothing raises.
"""

import re
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Final

from lxml import etree

MOST_HTML: Final = 262_144
"""Characters of HTML that are read; no text of ours is longer than 20,000."""
MOST_DEPTH: Final = 256
"""Elements within elements. Beyond it the rest is left out: an end tag without a start costs the parser their number."""
MOST_JUDGED: Final = 1_000
"""Characters that a language is told by."""
FEWEST_LETTERS: Final = 20
DENSE: Final = 3
"""A letter of a script that leaves no spaces, or writes a syllable in one, tells as much as so many of others."""
SURE: Final = 0.5
"""How likely a language must be to be named."""

_BREAKS: Final = frozenset(
    {
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "body",
            "br",
            "caption",
            "center",
            "dd",
            "details",
            "dialog",
        ),
        *(
            "dir",
            "div",
            "dl",
            "dt",
            "fieldset",
            "figcaption",
            "figure",
            "footer",
            "form",
            "h1",
            "h2",
            "h3",
            "h4",
        ),
        *(
            "h5",
            "h6",
            "header",
            "hgroup",
            "hr",
            "html",
            "legend",
            "li",
            "main",
            "menu",
            "nav",
            "ol",
            "option",
            "p",
        ),
        *("pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul"),
    }
)
_GAPS: Final = frozenset({"td", "th"})
_UNREAD: Final = frozenset(
    {
        *(
            "script",
            "style",
            "template",
            "noscript",
            "noframes",
            "noembed",
            "iframe",
            "object",
            "embed",
            "svg",
        ),
        "math",
    }
)
_PIECE: Final = 4_096
_HTML: Final = (
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br button "
    "canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed fieldset "
    "figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins "
    "kbd label legend li link main map mark marquee math menu meta meter nav nobr noembed noframes noscript object ol "
    "optgroup option output p param picture plaintext pre progress q rb rp rt rtc ruby s samp script search section select "
    "slot small source span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time "
    "title tr track tt u ul var video wbr xmp"
)
_NAMES: Final = frozenset(_HTML.split())
"""What begins an element. Browsers make one of any name, but they know of no source that gives text."""
_TAG: Final = re.compile(r"<([a-z][\w.:-]*)", re.IGNORECASE)
_OWN_NAME: Final = re.compile(r"[a-z]+[-:][a-z]", re.IGNORECASE)
_NO_TAG_AT_END: Final = re.compile(r"<(?![/!?]|[a-z][a-z0-9]*\s+[a-z-]+\s*=)", re.IGNORECASE)
"""Where no `>` follows: HTML that was cut is told by its attributes."""


def plain(html: str) -> str:
    """What a reader sees of a piece of HTML: one line for each block, no tags, no addresses of links.

    Direction marks stay, for they may be part of a name; whoever shows the text isolates it. A `<` that begins no element
    of HTML is one: feeds have titles of either kind and do not say which, and `a<b` is not to lose its end.
    """
    html = _sound(html[:MOST_HTML])
    if "<" not in html:
        if "&" not in html:
            return _tidy(html)
        # No mark-up at all: its lines are lines.
        html = html.replace("\n", "<br>")
    end = html.rfind(">") + 1
    html = _escaped(html[:end]) + _NO_TAG_AT_END.sub("&lt;", html[end:])
    reader = _Reader()
    parser = etree.HTMLParser(target=reader, encoding="utf-8")
    with suppress(_DeepError, etree.LxmlError):
        # Piece by piece, since only between pieces does the parser hear of an error and stop.
        for at in range(0, len(html), _PIECE):
            parser.feed(html[at : at + _PIECE].encode())
        parser.close()
    return _tidy(_sound("".join(reader.parts)))


def _escaped(html: str) -> str:
    """HTML in which a `<` that begins no element is written as what it is."""
    if all(_is_element(name) for name in set(_TAG.findall(html))):
        return html
    return _TAG.sub(lambda found: found[0] if _is_element(found[1]) else f"&lt;{found[1]}", html)


def _is_element(name: str) -> bool:
    return name.lower() in _NAMES or _OWN_NAME.match(name) is not None


class _DeepError(Exception):
    """Too many elements within each other."""


class _Reader:
    """Gathers text as the parser meets it; no tree is built."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._depth = 0
        self._unread = 0

    def start(self, tag: str, attrib: object) -> None:
        """An element begins."""
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise _DeepError
        if tag in _UNREAD:
            self._unread += 1
        self._part(tag)

    def end(self, tag: str) -> None:
        """An element ends."""
        self._depth -= 1
        if tag in _UNREAD:
            self._unread -= 1
        self._part(tag)

    def _part(self, tag: str) -> None:
        if tag in _BREAKS:
            self.parts.append("\n")
        elif tag in _GAPS:
            self.parts.append(" ")

    def data(self, data: str) -> None:
        """Text, the line breaks of whose source mean nothing."""
        if not self._unread and self._depth <= MOST_DEPTH:
            self.parts.append(data.replace("\n", " ").replace("\r", " "))

    def comment(self, text: str) -> None:
        """Not for readers."""

    def close(self) -> None:
        """The end."""


def _sound(text: str) -> str:
    """Text that can be encoded, and holds no NUL: U+FFFD stands for what cannot be."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        # Surrogates that make a pair become the character they stand for.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _tidy(text: str) -> str:
    """One space between words, no empty lines."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def language(text: str) -> str:
    """Its language by ISO 639-1 (`nl`), or "" where it is too short or too mixed to tell.

    The first call loads the model: 0.6 s and 60 MB. After that about 0.1 ms each.
    """
    words = [word for word in text[: MOST_JUDGED * 2].split() if _tells(word)]
    told = " ".join(words)[:MOST_JUDGED]
    if sum(map(_weight, told)) < FEWEST_LETTERS:
        return ""
    name, likely = _judge()(_sound(told))
    return name if likely >= SURE and len(name) == 2 else ""


def _weight(char: str) -> int:
    """How much a character tells: 0 for what is no letter."""
    if not char.isalpha():
        return 0
    return DENSE if "\u0e00" <= char <= "\u0eff" or "\u1000" <= char <= "\u109f" or _east(char) else 1


def _east(char: str) -> bool:
    """Khmer, kana, Han, Hangul."""
    return (
        "\u1780" <= char <= "\u17ff"
        or "\u3040" <= char <= "\u9fff"
        or "\uac00" <= char <= "\ud7af"
        or char >= "\U00020000"
    )


def _tells(word: str) -> bool:
    """Names of people and places on the web are of no language."""
    return word[0] not in "@#" and "://" not in word


class Languages:
    """Names the languages of a stream of texts without ever holding it up.

    The model loads in a thread of its own once there is a text to judge; until then nothing is told. In a flood the
    first `most` texts of a second are judged (0.1 ms each), which is plenty for a field that is only shown.
    """

    def __init__(self, most: int = 300) -> None:
        self._most = most
        self._second = (0, 0)

    def __call__(self, text: str, now: int) -> str:
        """The language of `text`, or "". `now`: whole seconds."""
        if not text or not _ready():
            return ""
        second, judged = self._second
        if second != now:
            judged = 0
        if judged >= self._most:
            return ""
        self._second = (now, judged + 1)
        return language(text)


_loading: Final = threading.Lock()
_started: Final = threading.Event()
_loaded: Final = threading.Event()


def _ready() -> bool:
    if not _started.is_set():
        _started.set()
        threading.Thread(target=_judge, name="language model", daemon=True).start()
    return _loaded.is_set()


def _judge() -> Callable[[str], tuple[str, float]]:
    with _loading:
        judge = _model()
        _loaded.set()
        return judge


@cache
def _model() -> Callable[[str], tuple[str, float]]:
    # With numpy it is too heavy for a command that reads nothing.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    judge: Callable[[str], tuple[str, float]] = identifier.classify
    return judge
