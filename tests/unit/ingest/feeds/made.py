"""Feeds that were made to do harm, and such as only look like it."""

import os

GOOD = b"<rss version='2.0'><channel><title>Desk</title><ttl>30</ttl><item><title>Acme</title></item></channel></rss>"
KB = 1_000


def rss(body: bytes, prolog: bytes = b"<?xml version='1.0'?>") -> bytes:
    return prolog + b"<rss version='2.0'><channel><title>Desk</title>" + body + b"</channel></rss>"


_LAUGHS = b"<!DOCTYPE lolz [<!ENTITY l0 'lol'>" + b"".join(
    b"<!ENTITY l%d '%s'>" % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, 10)
) + b"]>"  # fmt: skip
_QUADRATIC = b"<!DOCTYPE q [<!ENTITY a '" + b"a" * 100 * KB + b"'>]>"
_NESTED = b"<item>" + b"<a>" * 100 * KB + b"x" + b"</a>" * 100 * KB + b"</item>"
HOSTILE = {
    "billion laughs": rss(b"<item><title>&l9;</title></item>", _LAUGHS),
    "billion laughs, UTF-16": ("\ufeff" + rss(b"<item><title>&l9;</title></item>", _LAUGHS).decode()).encode(
        "utf-16"
    ),
    "billion laughs, UTF-16 unmarked": rss(b"<item><title>&l9;</title></item>", _LAUGHS)
    .decode()
    .encode("utf-16-be"),
    "billion laughs, UTF-32": rss(b"<item><title>&l9;</title></item>", _LAUGHS).decode().encode("utf-32"),
    "behind junk": b"x<a/>" + rss(b"<item><title>&l9;</title></item>", b"<?xml version='1.0'?>" + _LAUGHS),
    "behind a comment": rss(b"<item><title>&l9;</title></item>", b"<!-- <rss> -->" + _LAUGHS),
    "quadratic": rss(b"<item><title>" + b"&a;" * 100 * KB + b"</title></item>", _QUADRATIC),
    "external file": rss(
        b"<item><title>&x;</title></item>", b"<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    ),
    "external http": rss(
        b"<item><title>&x;</title></item>", b"<!DOCTYPE r [<!ENTITY x SYSTEM 'http://127.0.0.1/'>]>"
    ),
    "parameter entity": rss(b"", b"<!DOCTYPE r [<!ENTITY % x SYSTEM 'http://127.0.0.1/'> %x;]>"),
    "two types": rss(b"", b"<!DOCTYPE rss><!DOCTYPE r [<!ENTITY x 'y'>]>"),
    "an entity alone": rss(b"", b"<!ENTITY x 'y'>"),
    "nested": rss(_NESTED),
    "100,000 entries": rss(b"<item><g/></item>" * 100 * KB),
    "many attributes": rss(
        b"<item><title>Acme</title><g " + b" ".join(b"a%d=''" % i for i in range(150 * KB)) + b"/></item>"
    ),
    "100,000 attributes": rss(b"<item>" + b"".join(b"<a x%d=''/>" % i for i in range(30 * KB)) + b"</item>"),
}
"""Must be refused, as hostile."""
HARMLESS = {
    "nested in CDATA": rss(b"<item><title>Acme</title><description><![CDATA[" + b"<b>" * 500 * KB + b"]]></description></item>"),
    "nested unmatched": rss(b"<item><title>Acme</title><description><![CDATA[" + b"<b></i>" * 200 * KB + b"]]></description></item>"),
    "one giant word": rss(b"<item><title>" + b"x" * 2_000 * KB + b"</title></item>"),
    "giant attribute": rss(b"<item><title>Acme</title><g x='" + b"y" * 1_900 * KB + b"'/></item>"),
    "many attributes, broken": rss(b"<item><title>Acme</title></x><g " + b" ".join(b"a%d=''" % i for i in range(150 * KB)) + b"/></item>"),
    "euros": b"<?xml version='1.0' encoding='cp1252'?>" + rss(b"".join(b"<item><title>A</title><guid>http://x.y/" + b"\x80" * 1_900 + b"</guid></item>" for _ in range(1_000)), b""),
    "marked-up": rss(b"".join(b"<item><title>A</title><description><![CDATA[" + b"<b></i>" * 250 + b"]]></description></item>" for _ in range(1_000))),
    "links with much in them": rss(b"".join(b"<item><title>A%d</title><link>http://x.y/?" % i + b"&amp;".join([b"a"] * 300) + b"</link></item>" for i in range(1_000))),
    "broken and nested": rss(b"<item><title>Acme</title></item><x>" + b"<a><b " * 150 * KB),
    "broken close tags": rss(b"<item><title>Acme</title></item>" + b"</a>" * 400 * KB),
    "ampersands": rss(b"<item><title>Acme</title><description>" + b"&" * 1_900 * KB + b"</description></item>"),
    "names of entities": rss(b"<item><title>Acme</title><description>" + b"&a" * 900 * KB + b"</description></item>"),
    "blanks": rss(b"<item><title>Acme</title><description>" + b" \n" * 900 * KB + b"</description></item>"),
    "unquoted": rss(b"<item><title>Acme</title></item>" + b" a=b" * 450 * KB),
    "links": rss(b"<item><title>Acme</title></item>" + b"<link a>\n" * 200 * KB),
    "NULs": rss(b"<item><title>Ac\0me</title></item>" + b"\0" * 500 * KB),
    "CDATA in pieces": rss(b"<item><title>Acme</title><description>" + b"<![CDATA[x]]>" * 140 * KB + b"</description></item>"),
    "comments": rss(b"<item><title>Acme</title></item>" + b"<!---->" * 280 * KB),
    "instructions": rss(b"<item><title>Acme</title></item>" + b"<?a?>" * 380 * KB),
    "many dates": rss(b"<item><title>Acme</title><pubDate>" + b"1" * 5_000 + b"</pubDate></item>" * 50),
    "UTF-7": b"<?xml version='1.0' encoding='utf-7'?>+ADw-rss+AD4-" + b"+ADw-" * 100 * KB,
    "no feed": b"\x7fELF" + os.urandom(500 * KB),
    "a page": b"<!doctype html><html><body>" + b"<p>hello" * 100 * KB,
    "nothing": b"",
    "a lone mark": b"\xff\xfe",
    "namespaces": rss(b"<item><title>Acme</title></item>" + b"".join(b"<n%d:a xmlns:n%d='u:%d'/>" % (i, i, i) for i in range(19 * KB))),
    "JSON": b"{\"items\": " + b"[" * 100 * KB,
}  # fmt: skip
"""May be read or refused, but within a second, and by a child that may be told so."""
HEAVY = HARMLESS["marked-up"]
"""Some 0.4 s of work."""
