"""The course of a brand depends on its own alerts and beats, however the desk was mixed, cut or restarted."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.incident.makers import T0, alert, article
from tests.unit.stages.desk import Desk
from warn.model.alerts import AlertEvent, Article, Beat, DeskRecord, IncidentEvent, Receipt, Tick

BRANDS = ("Acme", "Beta", "Gamma")
STEP_S = (10, 60, 3600, 4 * 3600, 8 * 3600)


@st.composite
def stories(draw: st.DrawFn, brand: str) -> list[AlertEvent | Beat | Article]:
    """A brand's records in order of time."""
    at = T0
    records: list[AlertEvent | Beat | Article] = []
    for _ in range(draw(st.integers(0, 12))):
        at += draw(st.sampled_from(STEP_S))
        kind = draw(st.sampled_from(["firing", "update", "update", "resolved", "beat", "article"]))
        if kind == "beat":
            records.append(Beat(at=at, brand=brand))
            continue
        if kind == "article":
            records.append(article(at, brand=brand, ago=draw(st.sampled_from([0, 30, 7200]))))
            continue
        rule = draw(st.sampled_from(["A", "B"]))
        severity = draw(st.sampled_from(["digest", "ticket", "page"]))
        mode = draw(st.sampled_from(["shadow", "live"]))
        people, press = draw(st.integers(0, 2000)), draw(st.integers(0, 2))
        records.append(
            alert(kind, at, people, brand=brand, rule=rule, severity=severity, mode=mode, press=press)
        )
    records.append(Beat(at=at + 24 * 3600, brand=brand))
    return records


noise = st.one_of(
    st.integers(0, 2 * T0).map(lambda now: Tick(now=now)),
    st.builds(
        Receipt, now=st.integers(0, 2 * T0), delivery=st.sampled_from(["x", ""]), attempt=st.integers(0, 3),
        outcome=st.sampled_from(["delivered", "retry", "refused"]),
    ),
)  # fmt: skip


def lines(desk: Desk) -> dict[str, list[IncidentEvent]]:
    return {brand: [e for e in desk.incidents if e.brand == brand] for brand in BRANDS}


@settings(max_examples=120, deadline=None)
@given(st.tuples(*(stories(b) for b in BRANDS)), st.lists(noise, max_size=12), st.data())
def test_no_brand_hears_of_another_nor_of_delivery(
    told: tuple[list[AlertEvent | Beat | Article], ...], noises: list[Tick | Receipt], data: st.DataObject
) -> None:
    """Alone or interleaved, with or without routes, in any batches, restarted anywhere: the same result."""
    plain = Desk(routes=())
    for story in told:
        for record in story:
            plain.feed(record)
    queues: list[list[DeskRecord]] = [[]]
    queues[0] += noises
    for story in told:
        queues.append([])
        queues[-1] += story
    mixed = Desk()
    while any(queues):
        batch = []
        for _ in range(data.draw(st.integers(1, 5))):
            full = [q for q in queues if q]
            if full:
                batch.append(data.draw(st.sampled_from(full)).pop(0))
        if data.draw(st.booleans()):
            mixed.attempt(*batch)  # a step that is lost with its process
            mixed.restart()
        mixed.feed(*batch)
    assert lines(mixed) == lines(plain)
    assert sorted(mixed.stage.entries()) == sorted(plain.stage.entries())


@settings(max_examples=120, deadline=None)
@given(stories("Acme"), st.data())
def test_beats_only_bring_forward_what_was_due(story: list[AlertEvent | Beat], data: st.DataObject) -> None:
    """However densely time is written, the lines are the same, `at` included."""
    dense: list[DeskRecord] = []
    for before, record in zip([None, *story], story, strict=False):
        if before is not None:
            between = data.draw(st.lists(st.integers(before.at, record.at), max_size=3).map(sorted))
            dense += [Beat(at=at, brand="Acme") for at in between]
        dense.append(record)
    sparse, full = Desk(routes=()), Desk(routes=())
    sparse.feed(*story)
    full.feed(*dense)
    assert full.incidents == sparse.incidents
    assert sorted(full.stage.entries()) == sorted(sparse.stage.entries())


@settings(max_examples=120, deadline=None)
@given(stories("Acme"))
def test_a_course_never_leaves_its_states(story: list[AlertEvent | Beat]) -> None:
    """Opened first and once, resolved last and once, numbered without a gap, never backwards in time."""
    desk = Desk(routes=())
    desk.feed(*story)
    for incident in {e.incident for e in desk.incidents}:
        mine = [e for e in desk.incidents if e.incident == incident]
        assert [e.sequence for e in mine] == list(range(1, len(mine) + 1))
        assert [e.event for e in mine].count("opened") == 1
        assert mine[0].event == "opened"
        assert all(e.event != "resolved" for e in mine[:-1])
        assert [e.at for e in mine] == sorted(e.at for e in mine)
        assert len({(e.brand, e.mode) for e in mine}) == 1
