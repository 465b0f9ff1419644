"""Batches, partitions, order, interleaving, hash seeds, density of clocks, kills: not one byte differs.

The alert files are compared whole, and so is the hash over all keyed state. The recordings are real and stay where they
are; the town is ours and always there.
"""

import time
from pathlib import Path

import pytest

from connectors.simulate.town import Outbreak, Town
from tests.scenario.replays import record, replay, replay_killed, rules_for
from tests.shared import SHARED, needs_shared

AIRLINES = {
    "US Airways": ["@USAirways"], "American Airlines": ["@AmericanAir"], "United Airlines": ["@united"],
    "Southwest Airlines": ["@SouthwestAir"], "Delta": ["JetBlue", "@JetBlue"], "Virgin America": ["@VirginAmerica"],
}  # fmt: skip
FRONTPAGE = {
    "LastPass": [], "Audacity": ["Muse Group"], "Google": ["gmail", "youtube"], "Fastly": [], "OVH": [],
    "Basecamp": ["37signals"], "Slack": [], "Robinhood": ["gamestop", "GME", "wallstreetbets"],
}  # fmt: skip

VARIANTS = {
    "batches of one": (("--batch", "1"), "0"),
    "six partitions": (("--partitions", "6"), "0"),
    "shuffled lines, six partitions, odd batches": (
        ("--partitions", "6", "--batch", "37", "--shuffle", "7"),
        "0",
    ),
    "shuffled again, another hash seed": (("--partitions", "2", "--batch", "500", "--shuffle", "8"), "12345"),
}


def recorded(name: str) -> Path:
    assert SHARED is not None
    return SHARED / "data" / name / "mentions.jsonl.gz"


@pytest.fixture(scope="module")
def airlines(tmp_path_factory):
    """The recording, its rules, and what a plain run says."""
    folder = tmp_path_factory.mktemp("airlines")
    rules = rules_for(folder / "rules", AIRLINES)
    return (
        folder,
        recorded("airlines_feb2015"),
        rules,
        replay(recorded("airlines_feb2015"), rules, folder / "plain.jsonl"),
    )


def same(got, expected, what: str) -> None:
    assert got == expected, f"{what}: {got.named()} against {expected.named()}"


@needs_shared
@pytest.mark.timeout(600)
@pytest.mark.parametrize("what", sorted(VARIANTS))
def test_a_week_of_airlines_says_the_same_however_it_is_cut_up(airlines, what):
    folder, recording, rules, plain = airlines
    flags, hash_seed = VARIANTS[what]
    assert len(plain.incidents()) >= 3, "a comparison of too little proves too little"
    same(replay(recording, rules, folder / "v.jsonl", *flags, hash_seed=hash_seed), plain, what)


@needs_shared
@pytest.mark.timeout(600)
def test_a_clock_every_second_of_the_week_changes_nothing(airlines):
    folder, recording, rules, plain = airlines
    same(replay(recording, rules, folder / "dense.jsonl", "--every-second"), plain, "a clock every second")


@needs_shared
@pytest.mark.timeout(900)
def test_killed_ten_times_and_resumed_it_says_the_same(airlines):
    """Ten SIGKILLs at random moments over the same data folder, then one run to the end."""
    folder, recording, rules, plain = airlines
    began = time.monotonic()
    replay(recording, rules, folder / "timed.jsonl")
    seconds, data, hit, seed = time.monotonic() - began, folder / "data", 0, 0
    while hit < 10 and seed < 20:
        hit += replay_killed(
            recording, rules, folder / "k.jsonl", data, seconds=seconds / 3, kills=1, seed=seed
        )
        seed += 1
    assert hit == 10, "the run was over before ten kills: nothing was resumed"
    same(replay(recording, rules, folder / "k.jsonl", "--data", str(data)), plain, "ten kills")


@needs_shared
@pytest.mark.real
@pytest.mark.timeout(1200)
def test_eight_months_of_front_pages_say_the_same(tmp_path):
    """The crisis is in the echo here: updates of totals, in lumps."""
    rules = rules_for(tmp_path / "rules", FRONTPAGE)
    plain = replay(recorded("hn_frontpage"), rules, tmp_path / "plain.jsonl")
    assert len(plain.incidents()) >= 3
    for what, (flags, hash_seed) in VARIANTS.items():
        same(
            replay(recorded("hn_frontpage"), rules, tmp_path / "v.jsonl", *flags, hash_seed=hash_seed),
            plain,
            what,
        )


@pytest.mark.timeout(600)
def test_a_simulated_town_says_the_same_however_it_is_cut_up(tmp_path):
    """Posts, reposts, replies that do not name us, votes, rings and a crisis, without any recording of others."""
    start = 1_790_000_000
    outbreak = Outbreak(onset_ms=(start + 2 * 86_400) * 1000, doubling_s=240.0, press_after_s=2400.0)
    items = Town(7).stream(start * 1000, (start + 2 * 86_400 + 5 * 3600) * 1000, outbreak)
    recording = record(items, tmp_path / "town.jsonl")
    rules = rules_for(
        tmp_path / "rules", {"Acme": ["@acme.example", "#acme"], "Borealis Bank": [], "Lumen Telecom": []}
    )
    plain = replay(recording, rules, tmp_path / "plain.jsonl")
    assert any(b'"brand":"Acme"' in line for line in plain.alerts.splitlines()), "the crisis is paged"
    for what, (flags, hash_seed) in VARIANTS.items():
        same(replay(recording, rules, tmp_path / "v.jsonl", *flags, hash_seed=hash_seed), plain, what)
    same(replay(recording, rules, tmp_path / "v.jsonl", "--every-second"), plain, "a clock every second")
