"""What the state hash sees of a slice: what it is, never how it came to be so."""

from warn.detect.registry import build
from warn.model.records import Partial
from warn.model.rules import Floor, Rule, Topic
from warn.stages.slice import Slice
from warn.stages.slicestate import essence

AT = 1_700_000_000
RULE = Rule("A/Spike", "Spike", "A", "A/a", at_least=(Floor(mentions=3),))


def a_slice(*pending: Partial) -> Slice:
    detectors = {("A/Spike", signal): build(RULE, signal, AT) for signal in RULE.watch}
    one = Slice(Topic("A/a", "A"), [RULE], AT, detectors)
    one.pending = list(pending)
    return one


def partial(mentions: int, *authors: int, second: int = AT, known_at: int = AT) -> Partial:
    return Partial("A/a", second, known_at, mentions=mentions, authors=authors)


def test_pieces_of_a_sum_that_waits_are_the_sum():
    """match writes what it counted in as many pieces as it made steps: that is no state of detect's."""
    whole = a_slice(partial(3, 7, 9))
    pieces = a_slice(partial(1, 9), partial(2, 7, 9))
    assert essence(pieces, AT) == essence(whole, AT)


def test_what_waits_for_different_ticks_or_counts_in_different_seconds_stays_apart():
    """Only what would be added up anyhow is one."""
    whole = a_slice(partial(3, 7))
    assert essence(whole, AT) != essence(a_slice(partial(1), partial(2, 7, known_at=AT + 10)), AT)
    assert essence(whole, AT) != essence(a_slice(partial(1), partial(2, 7, second=AT - 1)), AT)
