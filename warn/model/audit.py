"""Records of `[audit]`: what was done about people, told by keyed hashes and numbers only. Kept 400 days."""

from msgspec import Struct


class Erasure(Struct, frozen=True, array_like=True, tag="erasure"):
    """At `at` somebody had an author erased: what that author writes is not taken in any more."""

    at: int
    source: str
    author: int


class Deleted(Struct, frozen=True, array_like=True, tag="deleted"):
    """At `at` we heard that a post was deleted at its source, or its words taken out: what is kept of it goes within a day."""

    at: int
    key: int


class Departed(Struct, frozen=True, array_like=True, tag="departed"):
    """At `at` we heard that an account is gone from its source: all that is kept of what it wrote goes within a day."""

    at: int
    author: int


class Blanked(Struct, frozen=True, array_like=True, tag="blanked"):
    """At `at` everything was gone that deletions and departures up to position `upto` of this topic had
    named; where records cannot be changed in place, nothing of it was shown any more.
    """

    at: int
    upto: int
    records: int


AuditRecord = Erasure | Deleted | Departed | Blanked
