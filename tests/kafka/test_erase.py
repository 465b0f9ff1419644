"""`warn erase` on real brokers: nothing is changed in place, pages show it no more, and the receipt says until when."""

import json
import time
from pathlib import Path

import pytest

from tests.kafka.buses import another, values
from tests.kafka.fixtures import Cluster, make_topics
from tests.kafka.processes import Process
from warn.ingest.door import bare
from warn.ingest.erased import Erased
from warn.model.flow import COLLECT, EVIDENCE, MENTIONS
from warn.model.hashing import author_hash
from warn.model.mention import Mention
from warn.model.records import Parcel
from warn.model.wire import decode_evidence, encode
from warn.stages.base import Out
from warn.stages.evidence import evidence_of

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

KEY = "k" * 40
HANDLE = "zq77handle"


async def test_what_somebody_wrote_is_shown_no_more(
    kafka: Cluster, kafka_prefix: str, tmp_path: Path
) -> None:
    config = await make_topics(kafka.bootstrap, kafka_prefix, {"mentions": 2, "signals": 2, "collect": 2})
    bus = await another(config)
    try:
        author = author_hash(KEY.encode(), "forum", bare(HANDLE))
        now = int(time.time() * 1000)
        said = [
            Mention("forum", n, n, "post", f"Acme {n}", now, author=author if n == 1 else n)
            for n in range(1, 40)
        ]
        said += [Mention("forum", n, n, "post", f"sold out {n}", now, author=n) for n in range(40, 60)]
        seat = await bus.open(COLLECT, 0)
        await seat.restore()
        shown = [
            Out(EVIDENCE, 0, b"%d" % one.key, encode(evidence_of(one, "acme", "Acme", echo=False)))
            for one in said[:3]
        ]
        await seat.commit([Out(MENTIONS, 0, b"", encode(Parcel(tuple(said)))), *shown], {}, 1)
        await seat.close()
        process = Process(tmp_path / "one", kafka.bootstrap, kafka_prefix, key=KEY)
        refused = process.call("erase", "--source", "forum", "--author", "sold")
        assert refused.returncode == 1 and "20 texts of others" in refused.stderr, refused.stderr
        assert len(await values(bus, EVIDENCE)) == 3

        done = process.call("erase", "--source", "forum", "--author", HANDLE)
        assert done.returncode == 0, done.stderr
        assert "Found: 2 texts of this author" in done.stdout and "Nothing of this author" not in done.stderr
        assert "[mentions] cannot be changed in place here" in done.stdout and "7 days" in done.stdout
        tombs = [
            one for value in await values(bus, EVIDENCE) if (one := decode_evidence(value)).kind == "delete"
        ]
        assert [(one.key, one.text, one.author) for one in tombs] == [(1, "", 0)]
        erased = Erased()
        await erased.load(bus)
        assert author in erased, "what they write later is not taken in"
        receipt = json.loads(process.call("erase", "--source", "forum", "--author", HANDLE, "--json").stdout)
        assert receipt["left_days"] == {"mentions": 7, "evidence": 30, "deadletters": 7}
    finally:
        await bus.close()
