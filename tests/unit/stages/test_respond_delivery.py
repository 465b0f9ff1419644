"""The outbox: retries, escalation, expiry, the hour's ceiling, and what a crash leaves."""

from tests.unit.incident.makers import HOUR, T0, alert
from tests.unit.stages.desk import TWO, Desk
from warn.incident.call import PAGE_EXPIRES_S, SCHEDULE_S, UNKNOWN_S
from warn.incident.course import LINGER_S
from warn.model.alerts import Beat, Delivery, DeskRecord, Tick


def opened(desk: Desk, **more: str) -> Delivery:
    if not desk.stage._outbox.ticking:
        desk.tick()
    (claim,) = desk.feed(alert(**more))
    return claim


def over(at: int = T0 + 60) -> tuple[DeskRecord, ...]:
    return alert("resolved", at), Beat(at=at + LINGER_S, brand="Acme")


def test_a_receipt_ends_it_and_a_second_one_changes_nothing() -> None:
    """Delivered is said once, and the next in the route is not needed."""
    desk = Desk()
    claim = opened(desk)
    for outcome in ("delivered", "delivered", "retry", "refused"):
        desk.answer(claim, outcome)
    assert desk.tick(200) == []
    assert desk.states("pd") == ["claimed", "delivered"]
    assert desk.states("hook") == ["superseded"]
    desk.answer(
        Delivery(
            delivery="no such", attempt=1, notifier="pd", action="trigger", dedup_key="", event=claim.event
        )
    )


def test_failures_are_retried_on_schedule_under_the_same_id_and_key() -> None:
    """1, 2, 4, 8 ... seconds, less up to half, the same every time."""
    waits = []
    for _ in range(2):
        desk = Desk()
        claim = first = opened(desk)
        for step in SCHEDULE_S[:5]:
            desk.answer(claim, "retry", "server_error")
            start = desk.now
            while not (again := [d for d in desk.tick() if d.notifier == "pd"]):
                assert desk.now - start <= step
            (claim,) = again
            assert (claim.delivery, claim.dedup_key) == (first.delivery, first.dedup_key)
            assert claim.maybe_repeated
            waits.append(desk.now - start)
            assert waits[-1] >= step / 2
    assert waits[:5] == waits[5:]


def test_retry_after_is_honoured_up_to_three_minutes() -> None:
    """And no longer; a rate limit is a clear no, so the repeat is not marked."""
    for asked, waited in ((20.0, 20), (99_999.0, 180)):
        desk = Desk()
        desk.answer(opened(desk), "retry", "rate_limited", retry_after_s=asked)
        assert [d for d in desk.tick(waited - 1) if d.notifier == "pd"] == []
        (again,) = [d for d in desk.tick() if d.notifier == "pd"]
        assert not again.maybe_repeated


def test_the_second_notifier_after_sixty_seconds_without_confirmation() -> None:
    """While the first is still being tried; confirmed, it stops nobody who has it already."""
    desk = Desk()
    claim = opened(desk)
    assert desk.tick(29) == []
    later = desk.tick(30)
    assert {d.notifier for d in later} == {"pd"}
    assert later[0].maybe_repeated
    assert [d.notifier for d in desk.tick()] == ["pd", "hook"]
    desk.answer(claim)
    assert desk.states("pd")[-1] == "delivered"


def test_the_second_notifier_at_once_after_a_refusal() -> None:
    """A permanent no is not waited for."""
    desk = Desk()
    (second,) = desk.answer(opened(desk), "refused", "auth")
    assert (second.notifier, second.action) == ("hook", "trigger")
    assert desk.states("pd") == ["claimed", "refused"]


def test_the_second_notifier_after_three_failures() -> None:
    """Long before the minute is over."""
    desk = Desk()
    claim = opened(desk)
    start = desk.now
    for _ in range(2):
        assert [d for d in desk.answer(claim, "retry", "timeout") if d.notifier == "hook"] == []
        while not (again := desk.tick()):
            pass
        (claim,) = again
    (second,) = desk.answer(claim, "retry", "timeout")
    assert second.notifier == "hook"
    assert desk.now - start < 10


def test_a_claim_without_receipt_is_claimed_again_and_marked() -> None:
    """Lost on either side of the restart, after thirty seconds."""
    desk = Desk()
    first = opened(desk)
    desk.tick(10)
    desk.restart()
    assert desk.tick(19) == []
    (again,) = desk.tick(1)
    assert (again.delivery, again.attempt, again.maybe_repeated) == (first.delivery, 2, True)
    assert UNKNOWN_S == 30
    desk.answer(first)
    assert desk.states("pd") == ["claimed", "retry", "claimed", "delivered"]


def test_a_page_expires_after_a_quarter_of_an_hour() -> None:
    """Nobody is woken for the past; it is counted and told."""
    desk = Desk()
    claim = opened(desk)
    for _ in range(PAGE_EXPIRES_S + 60):
        desk.answer(claim, "retry", "network")
        for again in desk.tick():
            if again.notifier == "pd":
                claim = again
            else:
                desk.answer(again, "refused", "gone")
    assert desk.states("pd")[-1] == "expired"
    assert not desk.stage._outbox.waiting


def test_after_expiry_a_growing_crisis_rings_again() -> None:
    """Nobody was reached: the next thing worth saying is said aloud."""
    desk = Desk()
    claim = opened(desk)
    desk.answer(claim, "refused", "auth")
    hook = next(e for e in desk.stage._outbox.calls[f"{claim.dedup_key}-night"].said if e.notifier == "hook")
    assert hook.state == "claimed"
    desk.answer(
        Delivery(
            delivery=hook.id, attempt=1, notifier="hook", action="trigger", dedup_key="", event=claim.event
        ),
        "refused",
    )
    (again,) = desk.feed(alert("update", T0 + 60, 90))
    assert (again.notifier, again.action, again.event.event) == ("pd", "trigger", "updated")
    assert again.dedup_key != claim.dedup_key


def test_an_hour_forward_or_back_on_the_clock_expires_nothing() -> None:
    """Delivery time goes by ticks, and no step counts for more than ten seconds."""
    for jump in (HOUR, -HOUR):
        desk = Desk()
        desk.answer(opened(desk), "retry", "server_error")
        desk.now += jump
        assert "pd" in {d.notifier for d in desk.tick(3)}
        assert "expired" not in desk.states("pd")


def test_resolved_meanwhile_is_not_sent() -> None:
    """A page that waits for its retry as the incident ends wakes nobody; who may have got it gets the end."""
    desk = Desk()
    claim = opened(desk)
    desk.answer(claim, "retry", "timeout")
    (end,) = desk.feed(*over())
    assert (end.action, end.dedup_key) == ("resolve", claim.dedup_key)
    assert desk.answer(end) == []
    assert desk.tick(2 * HOUR) == []
    assert desk.states("pd") == ["claimed", "retry", "superseded", "claimed", "delivered"]
    assert desk.state == {}


def test_the_end_waits_for_the_attempt_in_flight() -> None:
    """One notifier hears of an incident in order: a trigger behind its resolve would ring again."""
    desk = Desk()
    claim = opened(desk)
    assert desk.feed(*over()) == []
    (end,) = desk.answer(claim)
    assert end.action == "resolve"


def test_who_was_never_told_is_not_told_of_the_end() -> None:
    """Neither the one that refused nor the one that was not needed."""
    desk = Desk()
    (second,) = desk.answer(opened(desk), "refused", "auth")
    desk.answer(second)
    assert [(d.notifier, d.action) for d in desk.feed(*over())] == [("hook", "resolve")]


def test_what_waits_says_the_newest_numbers() -> None:
    """The second notifier, told after a minute, hears what is true then; older updates give way."""
    desk = Desk()
    opened(desk)
    desk.feed(alert("update", T0 + 30, 90))
    desk.feed(alert("update", T0 + 40, 200))
    hook = [d for d in desk.tick(60) if d.notifier == "hook"]
    assert [d.event.numbers.people for d in hook] == [200]
    assert [e.reason for e in desk.told if e.state == "superseded"] == ["newer numbers"]


def test_more_than_two_pages_an_hour_become_one_summary() -> None:
    """The third rings for all that follow; the rest joins it without ringing, and it ends with the last."""
    desk = Desk()
    for brand in ("A", "B"):
        desk.answer(opened(desk, brand=brand))
    third = opened(desk, brand="C")
    assert third.action == "trigger"
    assert "C: 33 people" in third.event.summary
    assert "2 pages within the hour" in third.event.message
    desk.answer(third)
    fourth = opened(desk, brand="D")
    assert (fourth.action, fourth.dedup_key) == ("update", third.dedup_key)
    assert "- C: 33 people" in fourth.event.message
    assert "- D: 33 people" in fourth.event.message
    desk.answer(fourth)
    assert desk.effects.counts["notifications", "delivered"] == 1
    assert [e.state for e in desk.told if e.state == "held"] == ["held"] * 4
    (grown,) = desk.feed(alert("update", T0 + 60, 90, brand="D"))
    assert (grown.action, grown.dedup_key) == ("update", third.dedup_key)
    desk.answer(grown)
    ends = []
    for brand in ("C", "D"):
        desk.feed(alert("resolved", T0 + 70, brand=brand))
        ends.append([d.dedup_key for d in desk.feed(Beat(at=T0 + 70 + LINGER_S, brand=brand))])
    assert ends == [[], [third.dedup_key]]


def test_a_wave_of_one_does_not_silence_what_gathers_many() -> None:
    """The gathering ring, still on its way, is retried although one of its incidents rings again."""
    desk = Desk()
    for brand in ("A", "B"):
        desk.answer(opened(desk, brand=brand))
    third = opened(desk, brand="C")
    desk.answer(third, "retry", "network")
    desk.feed(alert("update", T0 + 5 * HOUR, 500, brand="C"))
    assert desk.incidents[-1].event == "wave"
    (again,) = [d for d in desk.tick(2) if d.notifier == "pd"]
    assert (again.delivery, again.action) == (third.delivery, "trigger")


def test_the_ceiling_is_an_hours() -> None:
    """After it a page is a page again, across a restart."""
    desk = Desk()
    for brand in ("A", "B", "C"):
        desk.answer(opened(desk, brand=brand))
    desk.tick(HOUR // 2)
    desk.restart()
    desk.tick(HOUR // 2)
    assert opened(desk, brand="E").dedup_key == f"{desk.incidents[-1].incident}-1"


def test_it_restores_exactly() -> None:
    """Restarted after every step it says and claims the same."""
    script: list[DeskRecord] = [
        Tick(now=T0),
        alert(),
        Tick(now=T0 + 1),
        alert("update", T0 + 20, 90),
        *over(T0 + 99),
    ]
    runs = []
    for restarts in (False, True):
        desk = Desk()
        claims = []
        for record in script:
            claims += desk.feed(record)
            if restarts:
                desk.restart()
                claims += desk.tick()
            else:
                claims += desk.tick()
        claims += desk.tick(300)
        runs.append(([(d.delivery, d.action) for d in claims], desk.incidents, sorted(desk.state)))
    assert runs[0] == runs[1]
    assert TWO.notifiers[0].notifier in runs[0][0][0][0]
