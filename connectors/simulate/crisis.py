"""The crisis: at a known moment Acme's travel kettle begins to burn, and the talk about it doubles, and doubles again.

Many people in their own words name it; as many repost without a word, answer "shame on you", quote, vote. The first
article comes when the press has had time to notice, and a statement by Acme some time after that.
"""

import math
import random
from collections.abc import Iterator
from typing import Final

from connectors.simulate.alarm import CLOSERS, HEADLINES, OPENERS, QUOTE, SEEN, SHAME, STATEMENT
from connectors.simulate.brands import ACME, OUTLETS, PLACES
from connectors.simulate.calm import answer, rise
from connectors.simulate.people import followers, somebody
from warn.ingest.order import order_key
from warn.model.mention import Item

MOST: Final = 600
"""Posts that name it; with what follows from them about 2,500 items."""
MOST_PER_S: Final = 6.0
_SOURCES: Final = ("bluesky", "mastodon", "forum", "hackernews")
_WEIGHTS: Final = (0.58, 0.22, 0.14, 0.06)
_LANGUAGES: Final = ("en", "nl", "de", "fr")
_LANGUAGE_WEIGHTS: Final = (0.62, 0.3, 0.05, 0.03)


def crisis(seed: int, onset_ms: int, *, doubling_s: float, press_after_s: float) -> list[Item]:
    """All of it, in the order in which it is seen. The same arguments give the same items."""
    rng = random.Random(f"{seed} crisis {onset_ms}")
    items: list[Item] = []
    for number, after_s in enumerate(_moments(rng, doubling_s)):
        post = _post(rng, number, onset_ms + int(after_s * 1000))
        items.append(post)
        items += _wake(rng, post, doubling_s)
    items += _press(rng, onset_ms, press_after_s)
    items.append(_statement(onset_ms + int(press_after_s * 1_500)))
    return sorted(items, key=order_key)


def _moments(rng: random.Random, doubling_s: float) -> Iterator[float]:
    """When the posts come, in seconds after the onset: exponential growth to a ceiling, then slow decay."""
    growth = math.log(2) / doubling_s
    now = due = 0.0
    step, peak = doubling_s / 40, 14 * doubling_s
    number = 0
    while number < MOST and now < 80 * doubling_s:
        rate = min(MOST_PER_S, 2 * growth * math.exp(growth * min(now, peak)))
        if now > peak:
            rate *= 0.5 ** ((now - peak) / (6 * doubling_s))
        due += rate * step
        while due >= 1 or number == 0:
            yield now + rng.random() * step
            due = max(0.0, due - 1)
            number += 1
        now += step


def _post(rng: random.Random, number: int, created: int) -> Item:
    source = rng.choices(_SOURCES, _WEIGHTS)[0]
    lang = rng.choices(_LANGUAGES, _LANGUAGE_WEIGHTS)[0]
    author = somebody(rng, source)
    seen = rng.choice(SEEN[lang]).format(p=rng.choice(PLACES), n=rng.randrange(2, 29))
    text = rng.choice(OPENERS) + seen + rng.choice(CLOSERS)
    return Item(
        source=source,
        id=f"k{created:x}.{number}",
        created_ms=created,
        seen_ms=created + rng.randrange(200, 900),
        author=author,
        followers=followers(author, source),
        text=text,
        lang=lang,
        url=f"https://{source}.example/k{created:x}.{number}",
        engagement=(1, 0, 0, 0) if source == "hackernews" else None,
    )


def _wake(rng: random.Random, post: Item, doubling_s: float) -> Iterator[Item]:
    """What a post draws after it, faster the faster it all grows."""

    def later() -> float:
        return 1_000 * min(rng.expovariate(1 / (1.2 * doubling_s)), 12 * doubling_s)

    if post.source == "hackernews":
        likes = replies = 1
        for number in range(8):
            likes, replies = likes + rng.randrange(3, 25), replies + rng.randrange(1, 9)
            yield rise(post, number, 1_000 * doubling_s * 0.6 * (number + 1), likes, replies)
        return
    lang = post.lang or "en"
    for number in range(rng.randrange(3)):
        yield answer(rng, post, "reply", number, later(), rng.choice(SHAME[lang]))
    if post.source == "forum":
        return
    for number in range(rng.randrange(4)):
        yield answer(rng, post, "repost", number, later())
    for number in range(rng.randrange(5)):
        yield answer(rng, post, "like", number, later())
    if rng.random() < 0.15:
        yield answer(rng, post, "quote", 0, later(), rng.choice(QUOTE))


def _press(rng: random.Random, onset_ms: int, after_s: float) -> Iterator[Item]:
    for number, headline in enumerate(HEADLINES):
        created = onset_ms + int(1_000 * after_s * (1 + 0.4 * number))
        outlet = OUTLETS[(number + rng.randrange(2)) % len(OUTLETS)]
        yield Item(
            source="press",
            id=f"{outlet}/k{created:x}",
            kind="article",
            created_ms=created,
            seen_ms=created + 500,
            text=headline,
            lang="nl" if "Brandweer" in headline else "en",
            url=f"https://{outlet}.example/k{created:x}",
        )


def _statement(created: int) -> Item:
    return Item(
        source="bluesky",
        id=f"k{created:x}.statement",
        created_ms=created,
        seen_ms=created + 500,
        author=ACME.handle,
        followers=48_000,
        text=STATEMENT,
        lang="en",
        url=f"https://bluesky.example/k{created:x}.statement",
    )
