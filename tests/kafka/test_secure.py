"""Brokers that ask who we are: whatever is wrong with that has a line of its own, and warn needs no more than is granted."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from typer.testing import CliRunner

from tests.kafka.brokers import Brokers
from tests.kafka.fixtures import started
from tests.kafka.secure import SECURE, grant, make_certs, revoke_all, secure, secure_config, trouble
from warn.app.watching import MemberHealth
from warn.bus.kafka import KafkaBus, KafkaConfig, Membership
from warn.bus.kafka.admin import bootstrap, check, create
from warn.bus.kafka.permissions import GRANTS, TO_MAKE, lacking
from warn.bus.kafka.probe import Address, reach
from warn.bus.kafka.trouble import Fault
from warn.cli import app
from warn.model import flow
from warn.model.errors import PermanentError
from warn.stages.base import Out
from warn.web.health import Health

pytestmark = pytest.mark.real

PASSWORD = "a-canary-that-is-a-password"
USERS = {"warn": PASSWORD, "guest": "guest-of-ours"}


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certs(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="module")
def brokers(certs: Path) -> Iterator[Brokers]:
    """SASL_SSL with SCRAM-SHA-512 and ACLs; nobody is granted anything yet."""
    kafka = started(**secure(certs, USERS))
    yield kafka
    kafka.stop()


@pytest.fixture
def granted(brokers: Brokers) -> Iterator[Brokers]:
    """`warn` may do what the manual says, on what begins with `warn.`."""
    for resource, operations in GRANTS.items():
        grant(brokers, "warn", resource.format(prefix="warn"), operations)
    yield brokers
    revoke_all(brokers, "warn")


def as_warn(kafka: Brokers, certs: Path | None, **of: Any) -> KafkaConfig:
    return secure_config(kafka, certs, **{"username": "warn", "password": PASSWORD, **of})


async def test_the_right_words_let_us_in(brokers: Brokers, certs: Path) -> None:
    """The counterpart of all that follows."""
    config = as_warn(brokers, certs)
    node = await reach(Address.parse(config.bootstrap[0]), config)
    assert node.features.supported["metadata.version"] == 29
    await node.close()


@pytest.mark.parametrize(
    ("of", "fault", "what", "do"),
    [
        ({"password": "not-the-one"}, Fault.PASSWORD, "knows user 'warn', and the password is wrong", "mend security.password"),
        ({"username": "nobody"}, Fault.USER, "knows no user 'nobody' for SCRAM-SHA-512", "mend security.username, or make the user"),
        ({"mechanism": "SCRAM-SHA-256"}, Fault.MECHANISM, "does not take mechanism SCRAM-SHA-256", "that it has: SCRAM-SHA-512"),
        ({"mechanism": "PLAIN"}, Fault.MECHANISM, "does not take mechanism PLAIN", "that it has: SCRAM-SHA-512"),
        ({"ca": "wrong-ca.pem"}, Fault.CA, "that no authority in .*wrong-ca.pem has signed", "give .* as security.ca"),
        ({"ca": None}, Fault.CA, "that no authority in those that this machine trusts has signed", "security.ca"),
        ({"protocol": "ssl"}, Fault.SASL_WANTED, "wants a user name and password .by SCRAM-SHA-512.", "protocol to sasl_ssl"),
        ({"protocol": "plaintext"}, Fault.TLS_WANTED, "speaks TLS", "protocol to ssl"),
        ({"protocol": "sasl_plaintext"}, Fault.TLS_WANTED, "speaks TLS", "protocol to sasl_ssl"),
        ({"bootstrap": "plain"}, Fault.NO_TLS_HERE, "does not speak TLS", "the port of the broker's TLS listener"),
        ({"bootstrap": "plain", "protocol": "sasl_plaintext"}, Fault.NO_SASL_HERE, "takes no user name", "protocol to plaintext"),
        ({"bootstrap": "127.0.0.1:1"}, Fault.REFUSED, "refuses the connection", "start it, or mend the port"),
        ({"bootstrap": "no.such.host.invalid:9092"}, Fault.UNKNOWN_HOST, "there is no host of that name", "DNS"),
    ],
    ids=lambda value: value.value if isinstance(value, Fault) else "",
)  # fmt: skip
async def test_each_wrong_has_its_line(
    brokers: Brokers, certs: Path, of: dict[str, Any], fault: Fault, what: str, do: str
) -> None:
    """Told apart, with what to do."""
    given = dict(of)
    if given.get("bootstrap") == "plain":
        given["bootstrap"] = brokers.bootstrap
    if isinstance(given.get("ca"), str):
        given["ca"] = certs / given["ca"]
    if given.get("protocol") in ("ssl", "plaintext"):
        given |= {"username": "", "password": ""}
    found = await trouble(as_warn(brokers, certs, **given))
    assert found.fault is fault
    assert re.search(what, found.what)
    assert re.search(do, found.do)
    assert "\n" not in str(found)


async def test_plain_over_tls(certs: Path) -> None:
    """PLAIN works where TLS hides it; a broker does not say which of user and password is wrong."""
    kafka = started(**secure(certs, USERS, mechanisms="PLAIN"))
    try:
        config = as_warn(kafka, certs, mechanism="PLAIN")
        await create(
            as_warn(kafka, certs, protocol="plaintext", bootstrap=kafka.bootstrap, mechanism="PLAIN")
        )
        await (await reach(Address.parse(config.bootstrap[0]), config)).close()
        found = await trouble(as_warn(kafka, certs, mechanism="PLAIN", password="not-the-one"))
    finally:
        kafka.stop()
    assert found.fault is Fault.CREDENTIALS


MISSING = [
    ("--topic", "Read", "we may not Read every Kafka topic of warn's"),
    ("--topic", "Write", "we may not Write every Kafka topic of warn's"),
    ("--topic", "DescribeConfigs", "we may not DescribeConfigs every Kafka topic of warn's"),
    ("--group", "Read", "we may not Read group warn.owners"),
    ("--transactional-id", "Write", "we may not Write transactional ids that begin with warn."),
]


@pytest.mark.parametrize(("kind", "operation", "what"), MISSING, ids=lambda v: v)
async def test_each_missing_permission_is_named(
    granted: Brokers, certs: Path, kind: str, operation: str, what: str
) -> None:
    """All but one: that one is named, with the command that grants it, and nothing else is."""
    await create(plain(granted))
    revoke_all(granted, "warn")
    for resource, operations in GRANTS.items():
        left = [o for o in operations if (resource.split()[0], o) != (kind, operation)]
        if left:
            grant(granted, "warn", resource.format(prefix="warn"), left)
    config = as_warn(granted, certs)
    node = await bootstrap(config)
    found = await lacking(node, config)
    await node.close()
    assert found[0].what == what
    assert f"--allow-principal User:warn --operation {operation}" in found[0].do
    assert f"{kind} warn. --resource-pattern-type prefixed" in found[0].do
    assert len({f.do for f in found}) == 1


async def test_who_may_do_nothing_is_told_everything(brokers: Brokers, certs: Path) -> None:
    """Topics, groups and transactional ids, each with its line."""
    await create(plain(brokers))
    config = secure_config(brokers, certs, username="guest", password=USERS["guest"])
    node = await bootstrap(config)
    found = await lacking(node, config)
    await node.close()
    assert [f.what for f in found] == [
        "we may not Read, Write, Describe or DescribeConfigs every Kafka topic of warn's",
        "we may not Read group warn.owners",
        "we may not Read group warn.lag",
        "we may not Write transactional ids that begin with warn.",
    ]
    with pytest.raises(PermanentError, match=r"warn.mentions: may not be seen by us: allow us Describe"):
        await check(config)


def plain(kafka: Brokers, **of: Any) -> KafkaConfig:
    """As the one who may do everything."""
    return KafkaConfig((kafka.bootstrap,), allow_unsafe=True, **of)


async def test_the_whole_bus_works_with_what_the_manual_grants(granted: Brokers, certs: Path) -> None:
    """Seats of every stage, readers, writing, membership and what lag tools see: over TLS, with exactly these ACLs."""
    counts = {"mentions": 2, "signals": 1, "collect": 1}
    await create(plain(granted, prefix="warn.bus", partitions=counts))
    config = as_warn(granted, certs, prefix="warn.bus", partitions=counts)
    node = await bootstrap(config)
    assert not await lacking(node, config)
    await node.close()
    bus = await KafkaBus.start(config)
    await bus.write([Out(flow.DESK, 0, b"k", b"asked")])
    for stage in (flow.COLLECT, flow.MATCH, flow.DETECT, flow.RESPOND):
        seat = await bus.open(stage, 0)
        await seat.restore()
        position = 0
        if stage != flow.COLLECT:
            seat.seek(0)
            assert await seat.read(10, 5.0), stage
            position = seat.position
        to = {flow.COLLECT: flow.MENTIONS, flow.MATCH: flow.SIGNALS}.get(stage, flow.HISTORY)
        await seat.commit([Out(to, 0, b"k", stage.encode())], {b"key": b"body"}, position)
        await seat.close()
        again = await bus.open(stage, 0)
        assert [(r.key, r.body) for r in (await again.restore()).records] == [(b"key", b"body")]
        await again.close()
    reader, states = await bus.follow(flow.HISTORY), await bus.follow_state(flow.COLLECT)
    assert [value for *_, value in await reader.read(10, 5.0)] == [b"detect", b"respond"]
    assert (0, b"key", b"body") in await states.read(10, 5.0)
    assert await bus.end(flow.MENTIONS, 0)
    members = Membership(bus.cluster.clients, [flow.MATCH], MemberHealth(Health()))
    async with asyncio.TaskGroup() as group:
        group.create_task(members.run())
        assert await members.changed(frozenset(), 20.0) == {(flow.MATCH, 0), (flow.MATCH, 1)}
        members.stop()
    assert await lag_told(granted, "warn.bus.lag") > 0
    for one in (reader, states, bus):
        await one.close()


async def test_the_register_asks_for_the_state_of_collect_alone(granted: Brokers, certs: Path) -> None:
    """Who shows pages under a name of its own reads `[state.collect]`, too; without that, only the register stands still."""
    await create(plain(granted, prefix="warn.shown"))
    config = as_warn(granted, certs, prefix="warn.shown", username="guest", password=USERS["guest"])
    shown = (flow.INCIDENTS, flow.EVIDENCE, flow.HISTORY, flow.CONFIG)
    prefixed = "--topic warn.shown. --resource-pattern-type prefixed"
    grant(granted, "guest", prefixed, ["Describe", "DescribeConfigs"])
    for topic in shown:
        grant(granted, "guest", f"--topic {config.topic(topic)}", ["Read"])
    try:
        bus = await KafkaBus.start(config)
        for topic in shown:
            reader = await bus.follow(topic)
            assert await reader.read(10, 0.2) == []
            await reader.close()
        with pytest.raises(PermanentError, match=r"state\.collect.* not allowed: grant Read"):
            await (await bus.follow_state(flow.COLLECT)).read(10, 0.2)
        state = config.topic("state.collect")
        grant(granted, "guest", f"--topic {state}", ["Read"])
        states = await bus.follow_state(flow.COLLECT)
        assert not await states.read(10, 0.2)
        await states.close()
        await bus.close()
    finally:
        revoke_all(granted, "guest")


async def lag_told(kafka: Brokers, group: str) -> int:
    """How many partitions a lag tool sees a position of."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        for _ in range(100):
            if found := await admin.list_consumer_group_offsets(group):
                return len(found)
            await asyncio.sleep(0.1)
        return 0
    finally:
        await admin.close()


async def test_init_works_with_what_the_manual_grants_for_it(granted: Brokers, certs: Path) -> None:
    """Without `Create` each topic says that it could not be made; with it, they are made."""
    config = as_warn(granted, certs, prefix="warn.made")
    refused = await create(config)
    assert len(refused.failed) == 13
    assert all(f.what == "could not be made (TopicAuthorizationFailedError)" for f in refused.refusals)
    for resource, operations in TO_MAKE.items():
        grant(granted, "warn", resource.format(prefix="warn"), operations)
    made = await create(config)
    assert len(made.created) == 13
    assert not made.refusals
    assert not (await check(config)).missing


def test_doctor_and_init_say_it_in_one_line(
    brokers: Brokers, certs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong password: `doctor` ends with 3 and `init` with 1, both with that line; no secret and no traceback."""
    (tmp_path / "warn.yaml").write_text(
        "bus:\n  kafka:\n"
        f"    bootstrap: {brokers.bootstrap_of(SECURE)}\n"
        f"    security: {{protocol: SASL_SSL, ca: {certs / 'ca.pem'}, username: warn}}\n"
    )
    monkeypatch.setenv("WARN_BUS__KAFKA__SECURITY__PASSWORD", "another-canary")
    monkeypatch.chdir(tmp_path)
    examined = CliRunner().invoke(app, ["doctor", "--json"])
    assert examined.exit_code == 3, examined.output
    wrong = [c for c in json.loads(examined.stdout)["checks"] if c["name"] == "kafka"]
    assert [c["state"] for c in wrong] == ["wrong"]
    assert wrong[0]["what"].endswith("knows user 'warn', and the password is wrong")
    made = CliRunner().invoke(app, ["init"])
    assert isinstance(made.exception, PermanentError)
    assert "knows user 'warn', and the password is wrong: mend security.password" in str(made.exception)
    for said in (examined.output, made.output, str(made.exception)):
        assert "canary" not in said
        assert "Traceback" not in said
