"""Lists of words as they are written to terms as they are looked for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from warn.model.rules import Term
from warn.rulefile.document import Loc
from warn.rulefile.lexicon import Lexicon
from warn.rulefile.schema_topic import LexiconName, Pattern, Phrase
from warn.rulefile.word import term

Written = str | Phrase | Pattern | LexiconName
SeveralWritten = Sequence[Written] | Mapping[str, Sequence[Written]] | LexiconName


def each(loc: Loc, written: SeveralWritten | None) -> Iterator[tuple[Loc, Written]]:
    """Every word of a list, of lists per language or of a lexicon, with its path."""
    if isinstance(written, LexiconName):
        yield loc, written
    elif isinstance(written, Mapping):
        for language, inner in written.items():
            yield from each((*loc, language), inner)
    elif written is not None:
        for i, one in enumerate(written):
            yield (*loc, i), one


def terms(written: SeveralWritten | None, lexicons: Mapping[str, Lexicon]) -> tuple[Term, ...]:
    """The terms of what is written, each once, in the order of the file."""
    return unique(t for _, one in each((), written) for t in _terms_of(one, lexicons))


def unique(found: Iterable[Term]) -> tuple[Term, ...]:
    """Each term once."""
    return tuple(dict.fromkeys(found))


def _terms_of(written: Written, lexicons: Mapping[str, Lexicon]) -> Iterable[Term]:
    if isinstance(written, Phrase):
        return (Term(written.phrase, "phrase"),)
    if isinstance(written, Pattern):
        return (Term(written.regex, "regex"),)
    if isinstance(written, LexiconName):
        return (term(word) for word in lexicons[written.lexicon].words)
    return (term(written),)


def lexicon_names(written: SeveralWritten | None) -> Iterator[tuple[Loc, str]]:
    """Names of the lexicons that are used, with their paths."""
    for loc, one in each((), written):
        if isinstance(one, LexiconName):
            yield loc, one.lexicon
