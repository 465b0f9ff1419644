"""How seats are shared out: all of them, once, evenly stage by stage, and with as few moves as can be."""

from collections import Counter

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from hypothesis import given
from hypothesis import strategies as st

from warn.bus.kafka.sharing import Claim, Sharing, share_out

TOPICS = {"mentions": 6, "signals": 6, "state.collect": 6, "desk": 1}
ALL = frozenset(TOPICS)

members = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.frozensets(st.sampled_from(sorted(TOPICS)), min_size=1),
    min_size=1,
    max_size=8,
)


def joined(asking: dict[str, frozenset[str]], before: dict[str, Claim] | None = None) -> dict[str, Claim]:
    """What members claim after a round, starting from what they claimed before."""
    before = before or {}
    claims = {
        name: before.get(name, Claim(topics))._replace(topics=topics) for name, topics in asking.items()
    }
    shares = share_out(TOPICS, claims)
    number = max(claim.round for claim in claims.values()) + 1
    return {name: Claim(claims[name].topics, share, number) for name, share in shares.items()}


@given(asking=members, then=members, last=members)
def test_all_once_evenly_and_few_moves(
    asking: dict[str, frozenset[str]], then: dict[str, frozenset[str]], last: dict[str, frozenset[str]]
) -> None:
    """However members come, go and change: each partition that is asked for has one owner who asked, even by topic."""
    claims = joined(asking)
    for following in (then, last, last):
        held = {name: claim.held for name, claim in claims.items()}
        claims = joined(following, claims)
        owned = Counter(one for claim in claims.values() for one in claim.held)
        wanted = {topic for claim in claims.values() for topic in claim.topics}
        assert owned == Counter((topic, n) for topic in wanted for n in range(TOPICS[topic]))
        for topic in wanted:
            sizes = [
                sum(one[0] == topic for one in claim.held)
                for claim in claims.values()
                if topic in claim.topics
            ]
            assert max(sizes) - min(sizes) <= 1
        for claim in claims.values():
            assert all(topic in claim.topics for topic, _ in claim.held)
        if following is last and held.keys() == claims.keys():
            kept = {name: claim.held for name, claim in claims.items()}
            if all(claim.topics == following[name] for name, claim in claims.items()):
                again = joined(last, claims)
                assert {name: claim.held for name, claim in again.items()} == kept, (
                    "nothing moves for nothing"
                )


def test_who_comes_gets_half_of_each_stage_and_nothing_else_moves() -> None:
    """aiokafka's own would hand over any nine: all of match to one process, say."""
    alone = joined({"a": ALL})
    both = joined({"a": ALL, "b": ALL}, alone)
    assert both["a"].held < alone["a"].held
    assert Counter(topic for topic, _ in both["b"].held) == {"mentions": 3, "signals": 3, "state.collect": 3}


def test_a_member_that_was_away_does_not_count_as_the_one_that_works() -> None:
    """Two claim the same partitions: the claim of the later round is what is true."""
    both = joined({"a": ALL, "b": ALL})
    without = joined({"a": ALL}, both)
    back = joined({"a": ALL, "b": ALL}, without | {"b": both["b"]})
    assert back["a"].held < without["a"].held
    lost = without["a"].held - back["a"].held
    assert back["b"].held == lost


def test_odd_ones_go_to_who_has_least() -> None:
    """Respond's one seat goes to the process that has the fewest others."""
    shares = share_out(
        {"desk": 1, "mentions": 3},
        {"a": Claim(frozenset({"mentions"})), "b": Claim(frozenset({"mentions", "desk"}))},
    )
    assert ("desk", 0) in shares["b"]
    assert len([one for one in shares["a"] if one[0] == "mentions"]) == 2


class _Cluster:
    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(TOPICS[topic])) if topic in TOPICS else None


def test_it_speaks_the_protocol_and_remembers() -> None:
    """What is said over the wire comes back; what another release says counts as a claim of nothing."""
    a, b = Sharing(), Sharing()
    given_out: dict[str, ConsumerProtocolMemberAssignment] = {}
    for _ in range(2):
        said = {
            name: ConsumerProtocolMemberMetadata.decode(one.metadata(sorted(ALL)).encode())
            for name, one in (("a", a), ("b", b))
        }
        given_out = a.assign(_Cluster(), said)
        for name, one in (("a", a), ("b", b)):
            one.on_assignment(ConsumerProtocolMemberAssignment.decode(given_out[name].encode()))
    first = set(given_out["a"].partitions())
    assert len(first) + len(given_out["b"].partitions()) == sum(TOPICS.values())
    strange = ConsumerProtocolMemberMetadata(0, ["mentions", "unknown"], b"\xc1 not ours")
    alone = b.assign(_Cluster(), {"b": strange})
    assert {(tp.topic, tp.partition) for tp in alone["b"].partitions()} == {("mentions", n) for n in range(6)}
