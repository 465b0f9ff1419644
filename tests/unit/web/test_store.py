"""The throw-away copy: what comes in comes out, and it stays bounded."""

from pathlib import Path

from msgspec.structs import replace

from tests.unit.web.made_up import (
    BEGAN,
    BRAND,
    INCIDENT,
    RULE,
    course,
    deliveries,
    event,
    evidence,
    history,
    post,
)
from warn.web.store import Limits, Store


def test_newest_event_stands_for_an_incident_however_they_arrive() -> None:
    """An incident in the list is its event of the highest sequence, also when events arrive out of order."""
    store = Store()
    store.put_incidents(reversed(course()))
    [entry] = store.incidents()
    assert entry.event == course()[-1]
    assert not entry.over
    assert store.events(INCIDENT) == course()


def test_open_incidents_come_first() -> None:
    """What is going on stands above what is over, however recent; then the latest first."""
    store = Store()
    store.put_incidents(
        [
            event(incident="old", at=BEGAN),
            event(incident="over", at=BEGAN + 900, event="resolved"),
            event(incident="new", at=BEGAN + 600),
            event(incident="closed", at=BEGAN + 800, state="closed"),
        ]
    )
    assert [e.event.incident for e in store.incidents()] == ["new", "old", "over", "closed"]
    assert [e.event.incident for e in store.incidents(open_only=True)] == ["new", "old"]
    assert [e.event.incident for e in store.incidents(1)] == ["new"]


def test_the_same_records_twice_change_nothing() -> None:
    """Reading a topic again leaves the copy as it is."""
    store = Store()
    for _ in range(2):
        store.put_incidents([*course(), *deliveries()])
        store.put_evidence(evidence())
        store.put_history(history())
    assert store.deliveries(INCIDENT) == deliveries()
    assert store.events(INCIDENT) == course()
    assert len(store.history(RULE, 0, 2**40)) == len(history())
    assert len(store.evidence_between(BRAND, 0, 2**40, 1000)) == len(evidence())


def test_hashes_are_unsigned() -> None:
    """A keyed hash above 2^63 is found again."""
    store = Store()
    store.put_evidence([post(key=2**64 - 1)])
    assert [e.key for e in store.evidence(BRAND, [5, 2**64 - 1])] == [2**64 - 1]


def test_a_deleted_post_goes_away_for_every_brand() -> None:
    """A deletion at the source takes the text away wherever it is shown."""
    store = Store()
    store.put_evidence([post(), post(brand="Rival"), post(key=7)])
    store.put_evidence([post(kind="delete", text="")])
    assert store.evidence(BRAND, [101]) == store.evidence("Rival", [101]) == []
    assert len(store.evidence(BRAND, [7])) == 1


def test_of_a_deleted_post_no_byte_is_left(tmp_path: Path) -> None:
    """What does not fit into memory lies in a file of SQLite's own."""
    store = Store(str(tmp_path / "shown"))
    store.put_evidence([post(text="so says Quixley " * 300), post(key=7)])
    assert b"Quixley" in (tmp_path / "shown").read_bytes()
    store.put_evidence([post(kind="delete", text="")])
    assert b"Quixley" not in (tmp_path / "shown").read_bytes()
    store.close()


def test_roles_that_yield_counts_only_are_never_shown() -> None:
    """A text of staff or of the service desk is left out, even if it got this far."""
    store = Store()
    store.put_evidence([post(role="internal"), post(role="care")])
    assert store.evidence(BRAND, [101]) == []


def test_it_forgets_by_age_and_by_number() -> None:
    """Texts go after their days; beyond a number the oldest go; what is over goes before what is going on."""
    store = Store(limits=Limits(incidents=2, evidence=3, history=10, deliveries=1, evidence_s=1000))
    store.put_evidence([post(key=i, created_ms=(BEGAN + i) * 1000) for i in range(1, 9)])
    store.put_history(history())
    store.put_incidents(
        [
            event(incident="old"),
            event(incident="over", event="resolved", at=BEGAN + 9_000),
            event(incident="new", at=BEGAN + 2_000),
            *(replace(d, incident=i) for d in deliveries() for i in ("old", "over")),
        ]
    )
    store.trim(BEGAN + 10)
    assert [e.key for e in store.evidence_between(BRAND, 0, 2**40, 99)] == [6, 7, 8]
    assert len(store.history(RULE, 0, 2**40)) == 10
    assert [e.event.incident for e in store.incidents()] == ["new", "old"]
    assert store.events("over") == []
    assert len(store.deliveries("over")) == 1
    store.trim(BEGAN + 1007)
    assert [e.key for e in store.evidence_between(BRAND, 0, 2**40, 99)] == [7, 8]
