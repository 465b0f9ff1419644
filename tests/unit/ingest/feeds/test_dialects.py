"""Feeds as they are really written: whose title it is, text that is written as elements, links under a base, dates."""

import time

import pytest

from warn.ingest.feeds.dated import moment
from warn.ingest.feeds.parse import UnreadableError, parse

MEDIA = "xmlns:media='http://search.yahoo.com/mrss/'"
ENCODED = "xmlns:content='http://purl.org/rss/1.0/modules/content/'"
RDF = "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'"


def rss(item: str, spaces: str = "") -> bytes:
    return (
        f"<rss version='2.0' {spaces}><channel><title>t</title><item>{item}</item></channel></rss>".encode()
    )


def atom(entry: str, of: str = "") -> bytes:
    return f"<feed xmlns='http://www.w3.org/2005/Atom' {of}><title>t</title><entry>{entry}</entry></feed>".encode()


@pytest.mark.parametrize(
    ("body", "title", "text"),
    [
        (
            rss("<media:title>A photo</media:title><media:description>by Jan</media:description>"
                "<title>Acme burns</title><description>The plant</description>", MEDIA),
            "Acme burns", "The plant",
        ),
        (rss("<title>Acme burns</title><media:description>The plant</media:description>", MEDIA), "Acme burns", "The plant"),
        (rss("<title>Acme</title><description><p>It <b>burns</b></p></description>"), "Acme", "It burns"),
        (rss("<title>Acme</title><content:encoded>&lt;p&gt;burns</content:encoded>", ENCODED), "Acme", "burns"),
        (
            f"<rdf:RDF {RDF} {ENCODED}><channel><title>t</title></channel><item rdf:about='x'><title>Acme</title>"
            "<content:encoded>&lt;p&gt;burns</content:encoded></item></rdf:RDF>".encode(),
            "Acme", "burns",
        ),
        (
            atom("<title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>Acme <i>burns</i></div></title>"
                 "<summary type='xhtml'><h:div xmlns:h='http://www.w3.org/1999/xhtml'><h:p>one</h:p><h:p>two</h:p></h:div></summary>"),
            "Acme burns", "one\ntwo",
        ),
        (
            atom("<title>Acme</title><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>3 &lt; 5</div></content>"),
            "Acme", "3 < 5",
        ),
    ],
)  # fmt: skip
def test_its_own_words_all_of_them(body: bytes, title: str, text: str) -> None:
    (entry,) = parse(body)["entries"]
    assert (entry["title"], entry["text"]) == (title, text)


def test_links_stand_under_their_base() -> None:
    at = "xml:base='https://desk.example/news/'"
    assert parse(atom("<title>a</title><link href='1.html'/>", at))["entries"][0]["link"] == (
        "https://desk.example/news/1.html"
    )
    nearer = "<title>a</title><link xml:base='sport/' href='1.html'/>"
    assert parse(atom(nearer, at))["entries"][0]["link"] == "https://desk.example/news/sport/1.html"
    assert parse(atom("<title>a</title><link href='1.html'/>"))["entries"][0]["link"] == "1.html"


@pytest.mark.parametrize("guid", ["123", "1", "<![CDATA[20240102]]>", " 2024-01-02 ", "May 5"])
@pytest.mark.parametrize("date", ["", "<pubDate>soon</pubDate>", "<pubDate>1763996400</pubDate>"])
def test_an_id_is_no_date_and_neither_is_what_cannot_be_read(guid: str, date: str) -> None:
    (entry,) = parse(rss(f"<title>a</title><guid isPermaLink='false'>{guid}</guid>{date}"))["entries"]
    assert entry["published_ms"] is None and entry["updated_ms"] is None
    assert entry["id"] == guid.removeprefix("<![CDATA[").removesuffix("]]>").strip()


@pytest.mark.parametrize("broken", ["", "<unclosed>"])
def test_dates_of_feeds_that_are_broken_elsewhere_are_read_alike(broken: str) -> None:
    item = (
        f"<title>a</title><guid>7</guid><pubDate><![CDATA[ma, 24 nov 2025 16:00:00 CET]]></pubDate>{broken}"
    )
    (entry,) = parse(rss(item))["entries"]
    assert (entry["published_ms"], entry["id"]) == (1_763_996_400_000, "7")


@pytest.mark.parametrize(
    ("said", "iso"),
    [
        ("Mon, 24 Nov 2025 16:00:00 GMT", "2025-11-24T16:00:00"),
        ("Mon,24 Nov 25 16:00 -0500", "2025-11-24T21:00:00"),
        ("24 Nov 2025 16:00 CET", "2025-11-24T15:00:00"),
        ("Mon, 24 Nov 2025 16:00:00 GMT+0100", "2025-11-24T15:00:00"),
        ("Mon, 24 Nov 2025 4:00:00 PM EST", "2025-11-24T21:00:00"),
        ("Monday, 24-Nov-25 24:00:00 UTC", "2025-11-25T00:00:00"),
        ("di, 2 mrt 2025 16:00:00 +0100", "2025-03-02T15:00:00"),
        ("jeudi 5 juin 2025", "2025-06-05T00:00:00"),
        ("1 août 2025 09:05 +02:00", "2025-08-01T07:05:00"),
        ("3. Mai 2025 10:00 MESZ", "2025-05-03T08:00:00"),
        ("November 24, 2025 at 4:05 pm", "2025-11-24T16:05:00"),
        ("2025-11-24T16:00:00.123456789+01:00", "2025-11-24T15:00:00"),
        ("2025-11-24 16:00:00 +0100", "2025-11-24T15:00:00"),
        ("2025-11-24 16:00:00 UTC", "2025-11-24T16:00:00"),
        ("20251124T160000Z", "2025-11-24T16:00:00"),
        *((none, None) for none in (
            "", "123", "1763996400", "soon", "02-03-2025 16:00", "24/11/2025", "31 Nov 2025", "24 Nov 2025 25:00",
            "24 Nov 2025 16:00 Mars/Olympus", "24 Nov 2025 16:00 XYZ", "24 Foo 2025", "24 Nov 0000", "2025-13-01",
            "9999-12-31T23:59:59-12:00", "24 Nov 2025" + " " * 200 + "x",
        )),
    ],
)  # fmt: skip
def test_dates(said: str, iso: str | None) -> None:
    found = moment(said)
    assert (found and found.replace(microsecond=0, tzinfo=None).isoformat()) == iso


def test_json_is_told_as_what_it_is() -> None:
    with pytest.raises(UnreadableError, match="it is JSON"):
        parse(b'\xef\xbb\xbf {"version": "https://jsonfeed.org/version/1.1", "items": []}')


def test_a_large_feed_is_read_well_within_its_second() -> None:
    item = f"<item><title>a</title><guid>1</guid><pubDate>{' ' * 40}</pubDate><description>{'words ' * 300}</description></item>"
    body = f"<rss version='2.0'><channel>{item * 1_000}</channel></rss>".encode()
    started = time.process_time()
    assert len(parse(body)["entries"]) == 1_000
    assert time.process_time() - started < 0.8
    started = time.process_time()
    parse(rss("<pubDate>" * 20 + " " * 1_000_000 + "<guid>" + " " * 500_000))
    assert time.process_time() - started < 0.8


@pytest.mark.parametrize(
    "item",
    [
        "<title>a</title><guid>12345678</guid><pubDate>Mon, 01 Jan 2024 00:00:00 CEST</pubDate>",
        "<title>a</title><guid isPermaLink='false'> <![CDATA[20240101]]> </guid><pubDate><![CDATA[1 Janvier 2024]]></pubDate>",
        "<title>a</title><guid>HTTPS://x.example/1</guid><pubDate>123</pubDate><updated>2024-01-01T00:00:00Z</updated>",
        "<title>a</title><guid/><dc:date>2024-01-01</dc:date><pubDate/>",
        "<title>a</title><dc:date>1 Mai 2024 10:00 MESZ</dc:date><media:title>b</media:title>",
    ],
)
def test_dates_and_ids_of_a_sound_feed_are_those_of_a_broken_one(item: str) -> None:
    spaces = f"{MEDIA} xmlns:dc='http://purl.org/dc/elements/1.1/'"
    sound = rss(item, spaces)
    broken = sound.replace(b"</rss>", b"<x></rss>")
    assert parse(sound)["entries"] == parse(broken)["entries"] != []


def test_what_is_no_date_is_none_however_long_or_deep() -> None:
    for said in ("1" * 5_000, "<b>1 May 2024</b>", "1 May 2024<b/>", "<!--x-->"):
        (entry,) = parse(rss(f"<title>a</title><pubDate>{said}</pubDate>"))["entries"]
        assert (entry["published_ms"], entry["updated_ms"]) == (None, None), said
