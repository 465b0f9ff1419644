"""Paths into JSON, and times as services write them."""

from typing import Any

import pytest

from warn.ingest.push.path import look, path_of, walk
from warn.ingest.push.times import moment

MOST = 5_000
BODY: dict[str, Any] = {
    "a": {"b": [{"c": 1, "d": [{"e": 2}, {"e": 3}]}, {"c": 4}]},
    "x": None,
    "one": {"e": 5},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b[0].c", 1), ("a.b[0].d[1].e", 3), ("/a.b[1].c", 4), ("$", BODY), ("x", None), ("a.c", None),
        ("a.b[7].c", None), ("a.b.c", None), ("a[0]", None), ("^.a", None),
    ],
)  # fmt: skip
def test_paths(path: str, found: Any) -> None:
    assert look(path_of(path), (BODY,)) == found


def test_each_goes_through_lists_and_knows_what_it_stands_in() -> None:
    chains = list(walk(path_of("a.b[].d[]", each=True), (BODY,), MOST))
    assert [chain[-1]["e"] for chain in chains] == [2, 3]
    assert [look(path_of("^.c"), chain) for chain in chains] == [1, 1]
    assert [look(path_of("/one.e"), chain) for chain in chains] == [5, 5]
    # One where there could be several is one.
    assert [chain[-1] for chain in walk(path_of("one[]", each=True), (BODY,), MOST)] == [{"e": 5}]
    assert list(walk(path_of("a.b[]", each=True), (BODY,), 1)) == [(BODY, BODY["a"]["b"][0])]


@pytest.mark.parametrize(
    "path",
    ["", " ", "a..b", "a.", ".a", "a[", "a[x]", "a[-1]", "a[]", "a[0]b", "a" * 301, "a.b" * 20, 7, None],
)
def test_paths_that_are_none(path: Any) -> None:
    with pytest.raises(ValueError, match="path"):
        path_of(path)


@pytest.mark.parametrize(
    ("written", "form", "ms"),
    [
        (1_700_000_000, "auto", 1_700_000_000_000), (1_700_000_000.5, "auto", 1_700_000_000_500),
        (1_700_000_000_123, "auto", 1_700_000_000_123), (1_700_000_000_123_456, "auto", 1_700_000_000_123),
        ("1700000000", "unix", 1_700_000_000_000), ("1355517523.000005", "unix", 1_355_517_523_000),
        ("1520690595660", "unix_ms", 1_520_690_595_660), ("2026-01-01T00:00:00Z", "auto", 1_767_225_600_000),
        ("2026-01-01T01:00:00.250+01:00", "iso", 1_767_225_600_250), ("2026-01-01", "iso", 1_767_225_600_000),
        ("2026/01/01 00:00:00 +0000", "auto", 1_767_225_600_000), ("2026-01-01T00:00:00.000+0000", "iso", 1_767_225_600_000),
        ("Thu, 01 Jan 2026 00:00:00 +0000", "rfc2822", 1_767_225_600_000), ("Thu, 01 Jan 2026 00:00:00 GMT", "auto", 1_767_225_600_000),
        ("Thu Jan 01 00:00:00 +0000 2026", "auto", 1_767_225_600_000), ("1212092628029698048", "snowflake", 1_577_836_800_000 + 27_000),
        ("yesterday", "auto", None), ("", "auto", None), (-1, "auto", None), (True, "unix", None), (10**30, "auto", None),
        (float("nan"), "auto", None), (float("inf"), "auto", None), ({}, "auto", None), ("9" * 400, "auto", None),
        ("9999-12-31T23:59:59-12:00", "iso", None), ("٢٠٢٦", "auto", None), ("1e9", "unix", None),
    ],
)  # fmt: skip
def test_times(written: Any, form: str, ms: int | None) -> None:
    found = moment(written, form)
    if form == "snowflake":
        assert found is not None
        assert abs(found.ms - 1_577_836_800_000) < 86_400_000  # the first day of 2020
    else:
        assert (None if found is None else found.ms) == ms
