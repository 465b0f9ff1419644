"""Ordinary life, minute by minute: who says what about whom, and what others answer in the hour after.

A minute depends on the seed and its own number alone, never on the minutes before it. So the town can be entered at any
moment, left, and entered again, and is always the same town.
"""

import math
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from connectors.simulate.brands import BOREALIS, BRANDS, LUMEN, OUTLETS, PLACES, Brand
from connectors.simulate.people import bot, followers, somebody
from connectors.simulate.texts import (
    ADVERT,
    AGREE,
    CHAT,
    ELSEWHERE,
    FOOTBALL,
    GRUMBLE,
    MONTHS,
    PRAISE,
    RING,
)
from warn.model.mention import Item

LINGER_MIN: Final = 90
"""Nothing is answered later than this."""
_SOURCES: Final = (("bluesky", 0.5), ("mastodon", 0.2), ("forum", 0.2), ("hackernews", 0.1))
_HOURS: Final = (
    0.25, 0.15, 0.1, 0.08, 0.1, 0.2, 0.5, 0.9, 1.2, 1.3, 1.3, 1.3, 1.4, 1.3, 1.2, 1.2, 1.3, 1.4, 1.6, 1.9, 2.1, 1.9,
    1.3, 0.6,
)  # fmt: skip
"""How much of an ordinary hour's talk an hour of the day sees, by local time; 1 on average, nearly."""
_RING_SIZE: Final = 60
_MARK: Final = {"reply": "r", "repost": "s", "quote": "q", "like": "l"}
"""What the ids of answers end in, before their number."""


@lru_cache(maxsize=4_096)
def _local(hour: int, zone: str) -> tuple[int, int, int]:
    """Local (hour, weekday, day number) of an hour since the epoch."""
    there = datetime.fromtimestamp(hour * 3600, UTC).astimezone(ZoneInfo(zone))
    return there.hour, there.weekday(), there.toordinal()


def rate(brand: Brand, minute: int, *, peaks: bool) -> tuple[float, str]:
    """Posts per minute that name a brand, and what they are about: day, week, campaign and match night."""
    hour, weekday, day = _local(minute // 60, brand.timezone)
    usual = brand.per_day / 1_440 * _HOURS[hour] * (0.75 if weekday >= 5 else 1.1)
    if peaks and brand is LUMEN and day % 3 == 0 and hour in {20, 21}:
        return usual * 6, "football"
    if peaks and brand is BOREALIS and day % 4 == 1 and hour in {18, 19}:
        return usual * 4, "advert"
    return usual, ""


class Calm:
    """Makes minutes. `noise`: posts a minute, on average, that name no brand of ours."""

    def __init__(self, seed: int, *, noise: float, peaks: bool, brands: Sequence[Brand] = BRANDS) -> None:
        self._seed = seed
        self._noise = noise
        self._peaks = peaks
        self._brands = tuple(brands)

    def minute(self, minute: int) -> Iterator[Item]:
        """Everything that begins in a minute, and what follows from it until an hour and a half later; not sorted."""
        rng = random.Random(f"{self._seed} {minute}")
        number = 0
        for brand in self._brands:
            posts, about = rate(brand, minute, peaks=self._peaks)
            for _ in range(_poisson(rng, posts)):
                yield from self._post(rng, minute, number, brand, about)
                number += 1
        for _ in range(_poisson(rng, self._noise)):
            yield from self._post(rng, minute, number, None, "")
            number += 1
        if minute % 720 == 0:
            yield self._article(rng, minute)
        if self._peaks and LUMEN in self._brands:
            yield from self._ring(minute)

    def _post(
        self, rng: random.Random, minute: int, number: int, brand: Brand | None, about: str
    ) -> Iterator[Item]:
        source = _weighted(rng, _SOURCES)
        created = minute * 60_000 + rng.randrange(60_000)
        author = somebody(rng, source)
        text, lang = _words(rng, brand, about)
        engagement = (1, 0, 0, 0) if source == "hackernews" else None
        post = Item(
            source=source,
            id=f"{minute:x}.{number}",
            created_ms=created,
            seen_ms=created + rng.randrange(200, 1_500),
            author=author,
            followers=followers(author, source),
            text=text,
            lang=lang,
            url=f"https://{source}.example/{minute:x}.{number}",
            engagement=engagement,
        )
        yield post
        if source == "hackernews":
            yield from _totals(rng, post)
        else:
            yield from _answers(rng, post)

    def _article(self, rng: random.Random, minute: int) -> Item:
        brand, outlet = rng.choice(self._brands), rng.choice(OUTLETS)
        title = rng.choice(
            ("{b} opens office in {p}", "{b} reports steady quarter", "{b} sponsors harbour run in {p}")
        )
        created = minute * 60_000 + rng.randrange(60_000)
        return Item(
            source="press",
            id=f"{outlet}/{minute:x}",
            kind="article",
            created_ms=created,
            seen_ms=created + 20_000,
            text=title.format(b=brand.name, p=rng.choice(PLACES)),
            lang="en",
            url=f"https://{outlet}.example/{minute:x}",
        )

    def _ring(self, minute: int) -> Iterator[Item]:
        """Now and then sixty accounts with no followers say one thing within four minutes."""
        day, of_day = divmod(minute, 1_440)
        plan = random.Random(f"{self._seed} ring {day}")
        start, here = plan.randrange(480, 1_320), plan.random() < 0.4
        if not here or not start <= of_day < start + 4:
            return
        text = RING.format(b=LUMEN.name, n=plan.randrange(2, 9))
        for number in range(of_day - start, _RING_SIZE, 4):
            created = minute * 60_000 + (number * 997) % 60_000
            author = bot(day * _RING_SIZE + number)
            yield Item(
                source="bluesky",
                id=f"{minute:x}.ring{number}",
                created_ms=created,
                seen_ms=created + 400,
                author=author,
                followers=followers(author, "bluesky"),
                text=text,
                lang="en",
                url=f"https://bluesky.example/{minute:x}.ring{number}",
            )


def _words(rng: random.Random, brand: Brand | None, about: str) -> tuple[str, str]:
    """A text and its language."""
    place, number = rng.choice(PLACES), rng.randrange(2, 29)
    if brand is None:
        return rng.choice(ELSEWHERE).format(p=place, n=number, m=rng.choice(MONTHS)), "en"
    lang = _weighted(rng, brand.languages)
    if about and rng.random() < 0.8:
        template, lang = rng.choice(FOOTBALL if about == "football" else ADVERT), "en"
    else:
        mood = rng.choices((GRUMBLE, CHAT, PRAISE), (0.35, 0.45, 0.2))[0]
        template = rng.choice(mood[lang])
    thing = rng.choice(brand.things[lang])
    return (
        template.format(b=rng.choice(brand.names), t=thing, p=place, n=number, m=rng.choice(MONTHS)),
        lang,
    )


def _answers(rng: random.Random, post: Item) -> Iterator[Item]:
    """Replies, reposts, quotes and likes, the more the better known the author is."""
    known = 1.0 if post.followers is None else min(4.0, 0.3 + math.log10(1 + post.followers) / 3)
    for kind, usual in (("reply", 0.35), ("like", 0.5), ("repost", 0.2), ("quote", 0.05)):
        if kind != "reply" and post.source == "forum":
            continue
        for number in range(_poisson(rng, usual * known)):
            yield answer(rng, post, kind, number, 60_000 * min(rng.expovariate(1 / 9), LINGER_MIN - 1))


def answer(
    rng: random.Random, post: Item, kind: str, number: int, after_ms: float, text: str | None = None
) -> Item:
    """Something said or done to a post; replies and quotes have words, which need not name anybody."""
    created = post.created_ms + 500 + int(after_ms)
    author = somebody(rng, post.source)
    lang = post.lang or "en"
    words = text or rng.choice(AGREE[lang]) if kind in {"reply", "quote"} else None
    return Item(
        source=post.source,
        id=f"{post.id}.{_MARK[kind]}{number}",
        kind=kind,
        created_ms=created,
        seen_ms=created + rng.randrange(200, 1_500),
        author=author,
        followers=followers(author, post.source),
        text=words,
        lang=lang if words else None,
        url=None if kind == "like" else f"https://{post.source}.example/{post.id}.{_MARK[kind]}{number}",
        thread=post.id if kind == "reply" else None,
        reply_to=post.id if kind == "reply" else None,
        reshare_of=None if kind == "reply" else post.id,
    )


def _totals(rng: random.Random, post: Item) -> Iterator[Item]:
    """A forum of links gives totals, now and then, instead of the votes themselves."""
    likes, replies = 1, 0
    for number in range(rng.choice((0, 1, 2, 3, 6))):
        likes, replies = likes + _poisson(rng, 2.0), replies + _poisson(rng, 0.7)
        yield rise(post, number, 60_000.0 * 12 * (number + 1), likes, replies)


def rise(post: Item, number: int, after_ms: float, likes: int, replies: int) -> Item:
    """New totals of a post."""
    created = post.created_ms + int(after_ms) + number
    return Item(
        source=post.source,
        id=post.id,
        kind="update",
        created_ms=created,
        seen_ms=created + 300,
        engagement=(likes, replies, 0, 0),
    )


def _weighted(rng: random.Random, choices: Sequence[tuple[str, float]]) -> str:
    return rng.choices([one for one, _ in choices], [weight for _, weight in choices])[0]


def _poisson(rng: random.Random, mean: float) -> int:
    """How often something happens that happens `mean` times on average (Knuth's product of uniforms)."""
    limit, product, number = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        number += 1
    return number
