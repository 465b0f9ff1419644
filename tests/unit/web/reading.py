"""Pages as a browser reads them: elements, attributes and what a person sees, from the standard library's parser."""

from html.parser import HTMLParser
from typing import NamedTuple

_VOID = {"meta", "link", "br", "input", "img"}


class Element(NamedTuple):
    """A tag with its attributes."""

    tag: str
    attributes: dict[str, str]


class Read(HTMLParser):
    """All elements, comments and the text of a page; `unbalanced` names tags that close what is not open."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.comments: list[str] = []
        self.unbalanced: list[str] = []
        self._open: list[str] = []
        self._text: list[str] = []
        self.feed(html)
        self.close()
        self.unbalanced += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {k: v or "" for k, v in attrs}))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    @property
    def text(self) -> str:
        """What a person reads, white space folded."""
        return " ".join(" ".join(self._text).split())

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """Tags and names of attributes, without their values."""
        return [(e.tag, tuple(sorted(e.attributes))) for e in self.elements]
