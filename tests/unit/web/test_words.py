"""Both languages say everything, and write numbers and times as they do."""

import string

import pytest

from tests.unit.web.made_up import BEGAN
from warn.web.sentences_en import ENGLISH
from warn.web.sentences_nl import DUTCH
from warn.web.words import Words


def _fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_both_languages_have_the_same_sentences() -> None:
    """No sentence is missing in a language, and each takes the same values."""
    assert list(ENGLISH) == list(DUTCH)
    for key, sentence in ENGLISH.items():
        assert _fields(sentence) == _fields(DUTCH[key]), key
        assert DUTCH[key].strip()


@pytest.mark.parametrize(
    ("language", "number", "written"),
    [
        ("en", 1234567, "1,234,567"), ("nl", 1234567, "1.234.567"), ("en", 1.25, "1.2"), ("nl", 1.25, "1,2"),
        ("en", 20.6, "21"), ("en", 3.0, "3"), ("en", 0, "0"),
    ],
)  # fmt: skip
def test_numbers(language: str, number: float, written: str) -> None:
    """Thousands and decimals as the language has them, no decimals where they say nothing."""
    assert Words(language).number(number) == written


@pytest.mark.parametrize(("times", "said"), [(1.44, "1.4"), (7.2, "7"), (20.6, "21"), (251.25, "250")])
def test_times_have_no_false_precision(times: float, said: str) -> None:
    """Two significant digits are all that a multiple of the usual deserves."""
    assert Words("en").times(times) == said


def test_times_are_local() -> None:
    """A time is that of the reader, and the day is written out in the reader's language."""
    amsterdam = Words("nl", "Europe/Amsterdam")
    assert amsterdam.clock(BEGAN) == "03:02"
    assert amsterdam.day(BEGAN) == "vrijdag 6 maart"
    assert Words("en", "America/New_York").day(BEGAN) == "Thursday 5 March"


def test_unknown_languages_and_zones_fall_back() -> None:
    """An unknown language is shown in English and an unknown zone in UTC, and it says so."""
    words = Words("de-AT", "Mars/Phobos")
    assert (words.language, words.zone_name, words.clock(BEGAN)) == ("en", "UTC", "02:02")
    assert Words("nl-BE").language == "nl"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(5, "1 minute"), (720, "12 minutes"), (7100, "118 minutes"), (7200, "2 hours"), (86_400 * 3, "3 days")],
)
def test_spans(seconds: int, said: str) -> None:
    """The largest unit that still says enough."""
    assert Words("en").span(seconds) == said


def test_one_and_many() -> None:
    """One person is no people."""
    assert Words("en")("people", count=1) == "1 person"
    assert Words("nl")("people", count=1200) == "1.200 mensen"
