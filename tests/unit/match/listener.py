"""A match stage that is handed one record at a time, over two brands and three topics."""

from collections.abc import Sequence

from warn.aggregate.partial import merge
from warn.model.flow import EVIDENCE, SIGNALS
from warn.model.hashing import PUBLIC_KEY, author_hash
from warn.model.mention import Mention, Reading
from warn.model.records import Clock, Evidence, Parcel, Partial, Signals
from warn.model.rules import Account, Channel, RuleSet, Term, Topic
from warn.model.wire import decode_evidence, decode_signals, encode
from warn.stages.base import Effects, In, MissingConfigError, RuleSets
from warn.stages.match import MatchStage

NOW = 1_700_000_000
ACME = Topic("Acme/acme", "Acme", any=(Term("acme"),))
FIRE = Topic("Acme/fire", "Acme", any=(Term("fire"),), within="Acme/acme")
BETA = Topic("Beta/beta", "Beta", any=(Term("beta"),))
RULES = RuleSet(
    topics=(ACME, FIRE, BETA),
    accounts=(("Acme", Account("x", "acme")),),
    channels=(("Beta", Channel("blog", role="own")),),
    negative=("shame",),
)
LATER = RuleSet(topics=(Topic("Acme/smoke", "Acme", any=(Term("smoke"),)), ACME))
OURS = author_hash(PUBLIC_KEY, "x", "acme")


def rulesets(name: str) -> RuleSet:
    try:
        return {"rules": RULES, "later": LATER}[name]
    except KeyError:
        raise MissingConfigError(name) from None


def post(key: int, text: str = "", kind: str = "post", **more: object) -> Mention:
    values: dict[str, object] = {"thread": key, "created_ms": NOW * 1000, **more}
    return Mention(source="x", key=key, kind=kind, text=text, **values)


class Match:
    """A stage that is handed one record at a time, and all that came out of it."""

    def __init__(self, known: RuleSets = rulesets, partitions: int = 1) -> None:
        self.stage = MatchStage(0, partitions, known, PUBLIC_KEY)
        self.stage.restore((), 0)
        self.position = 0
        self.effects = Effects()
        self.clock(NOW, "rules")

    def hand(self, *values: bytes) -> Effects:
        batch = [In(self.position + i, value) for i, value in enumerate(values)]
        self.effects = Effects()
        list(self.stage.step(batch, self.effects))
        self.position += len(values)
        list(self.stage.finish(self.effects))
        self.stage.offer(self.effects, self.position)
        return self.effects

    def clock(self, now: int, *config: str) -> Effects:
        return self.hand(encode(Clock(now, (), config)))

    def read(self, *mentions: Mention, readings: Sequence[Reading] = ()) -> dict[str, Partial]:
        """Partials of one parcel, by topic, merged over seconds."""
        self.hand(encode(Parcel(mentions, tuple(readings))))
        found: dict[str, Partial] = {}
        for signals in self.signals():
            for one in signals.partials:
                found[one.topic] = merge(found[one.topic], one) if one.topic in found else one
        return found

    def signals(self) -> list[Signals]:
        found = (decode_signals(out.value) for out in self.effects.out if out.topic == SIGNALS)
        return [one for one in found if isinstance(one, Signals)]

    def evidence(self) -> list[Evidence]:
        return [decode_evidence(out.value) for out in self.effects.out if out.topic == EVIDENCE]


def counted(found: dict[str, Partial]) -> dict[str, tuple[int, int]]:
    """Mentions and echo by topic."""
    return {name.partition("/")[2]: (one.mentions, one.echo) for name, one in found.items()}
