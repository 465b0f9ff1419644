"""The result as a person reads it."""

from collections.abc import Mapping
from typing import Any


def show(result: Mapping[str, Any]) -> None:
    """One table after the other."""
    _rates(result)
    for one in result["live"]:
        _live(one)
    print("\nCPU with clocks alone, of a core: " + _shares(result["idle"]["cpu"]))
    start, end = (" ".join(f"{x:.1f}" for x in result["load_average"][when]) for when in ("start", "end"))
    print(
        f"\n{result['cores']} cores, load average {start} at the start, {end} at the end; {result['took_s']:.0f} s"
    )
    versions = ", ".join(f"{name} {number or '(missing)'}" for name, number in result["versions"].items())
    print(f"Kafka {result['kafka']}, one node, data in {result['data']}; {versions}")
    if result["to_bytewax"] is None:
        print("bytewax is not installed: `make bench-kafka` does that (Python below 3.13)")


def _rates(result: Mapping[str, Any]) -> None:
    print(
        f"{'Thousand mentions per CPU second: least, median, most':<56}{'of bare, same round':>26}{'wall':>7}{'match':>8}"
    )
    for row in result["rates"]:
        k = "".join(f"{x:>6.0f}" for x in row["k"])
        of = "".join(f"{x:>8.0%}" for x in row["of_bare"])
        matched = f"{row['matched']:>8.1%}" if row["matched"] else ""
        print(f"  {row['what']:<38}{k}{of:>26}{row['wall_k']:>7.0f}{matched}")
    both = result["match_and_detect"]
    print(
        f"match and detect together, parcels of 50: {both['k']:.0f} thousand (match {both['match_us']:.2f}, detect "
        f"{both['detect_us']:.2f} microseconds a mention, {both['detect_share']:.0%})"
    )
    print(
        "Where match's time goes: "
        + ", ".join(f"{part} {share:.0%}" for part, share in result["parts"].items())
    )
    print("10,000 rules by 1,000: " + " ".join(f"{x:.0%}" for x in result["more_rules"]))
    if result["to_bytewax"] is not None:
        print("warn by bytewax on its best input: " + " ".join(f"{x:.2f}" for x in result["to_bytewax"]))


def _live(one: Mapping[str, Any]) -> None:
    print(f"\nAt {one['rate']:,} mentions/s ({one['written_per_s']:,.0f} written)")
    print(
        f"  {'milliseconds':<16}{'since produced: 50 %':>22}{'99 %':>8}{'since the leg before: 50 %':>30}{'99 %':>8}"
    )
    for name, some in one["since_produced"].items():
        leg = one["since_the_leg_before"].get(name)
        more = f"{leg['p50_ms']:>30.1f}{leg['p99_ms']:>8.1f}" if leg and name != "incident" else ""
        print(f"  {name:<16}{some['p50_ms']:>22.1f}{some['p99_ms']:>8.1f}{more}")
    late = one["match_loop_late"]
    if late:
        print(f"  match's loop was late by {late['p50_ms']:.1f} ms (50 %), {late['p99_ms']:.1f} ms (99 %)")
    print("  CPU of a core: " + _shares(one["cpu"]))
    print("  Waited for a core, of the time: " + _shares(one["waited"]))


def _shares(cpu: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in cpu.items())
