"""Text out of HTML, and its language: for whatever the web holds, in little time, and never an error."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ingest.items import item
from warn.ingest.door import Door, Terms
from warn.ingest.memory import Memory
from warn.ingest.text import MOST_HTML, Languages, language, plain

N = 1_000_000
FLOOR_S = 0.01
"""Below this it is what a call costs."""
HOSTILE = {
    "nested": "<b>" * (N // 3),
    "nested and never closed rightly": "<b></i>" * (N // 7),
    "tables": "<table><tr>" * (N // 11),
    "end tags": "</b>" * (N // 4),
    "255 deep, then end tags": "<b>" * 250 + "</i>" * (N // 4),
    "attributes": "<a " + "".join(f"a{i}=1 " for i in range(N // 8)) + ">x",
    "entities": "&amp;" * (N // 5),
    "ampersands": "&" * N,
    "a number without end": "&#" + "9" * N + ";",
    "less-than": "<" * N,
    "comments": "<!--" * (N // 4),
    "an open quote": "<a b='" * (N // 6),
    "NULs": "\0" * N,
    "surrogates": "\ud800" * N,
    "lines": "\n" * N,
    "one word": "x" * N,
    "breaks": "<br>" * (N // 4),
    "a script": "<script>" + "</scrip" * (N // 7),
    "forms": "<form><input>" * (N // 13),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_megabyte_of_anything(name: str) -> None:
    found = plain(HOSTILE[name])
    found.encode()
    assert "\0" not in found and len(found) <= 262_144


@pytest.mark.parametrize("name", HOSTILE)
def test_work_grows_in_step_with_the_input_up_to_a_bound(name: str) -> None:
    """Compared with itself, in time of this thread: what else a machine does is not told apart from slowness of ours."""
    some, most, beyond = (work(HOSTILE[name][:n]) for n in (MOST_HTML // 8, MOST_HTML, N))
    assert most < 8 * 3 * some + FLOOR_S, "more than in step: eight times as much would be 64 times the work"
    assert beyond < 3 * most + FLOOR_S


def work(html: str) -> float:
    """Seconds of the processor; the least of three, since others share its caches."""
    took = []
    for _ in range(3):
        started = time.thread_time()
        plain(html)
        took.append(time.thread_time() - started)
    return min(took)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("Plain words", "Plain words"),
        ("one\n two &amp; three\n\n\nfour  five ", "one\ntwo & three\nfour five"),
        ("<p>Hi<br>there</p><p>you</p>", "Hi\nthere\nyou"),
        ("<p>Hi <script>alert(1)</script><style>p{}</style>there", "Hi there"),
        ('See <a href="https://x.example/secret">here</a>.', "See here."),
        ("3 < 5 & 4 > 2, I <3 U", "3 < 5 & 4 > 2, I <3 U"),
        ("caf&eacute; &#8220;x&#8221; &nbsp; &#x1F525;", "café “x” 🔥"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("a<!-- <b>not</b> -->b", "ab"),
        ("<svg><text>no</text></svg>yes<noscript>no</noscript>", "yes"),
        ("&lt;b&gt;shown&lt;/b&gt;", "<b>shown</b>"),
        ("<p>a\u202eb", "a\u202eb"),
        ("a\0b &#0; \ud83d\ude00 \ud800", "a\ufffdb \ufffd 😀 \ufffd"),
        ("<b>bo</b>ld and in\nlines<p>", "bold and in lines"),
        ("a<b", "a<b"),
        ("Rates a<b, says Acme", "Rates a<b, says Acme"),
        ("if x<y then z, and v>w", "if x<y then z, and v>w"),
        ("a List<String> of <3", "a List<String> of <3"),
        ("<p>x<y</p><p>next", "x<y\nnext"),
        ("<o:p>office</o:p> <amp-img src=x>image", "office image"),
        ('Acme burns <a href="https://x.example/?cut', "Acme burns"),
        ("Acme burns</p", "Acme burns"),
        ("<B>Acme</B><BR/>burns", "Acme\nburns"),
    ],
)
def test_plain(html: str, text: str) -> None:
    assert plain(html) == text


@given(st.text(max_size=300) | st.from_regex(r"(<[a-z/!]{1,4}[ =\"']?|&#?x?[0-9a-z]{1,4};?|[^<&]){0,40}"))
def test_plain_takes_anything(html: str) -> None:
    plain(html).encode()


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Dit is een heel slechte dag voor de bank, alle betalingen liggen eruit", "nl"),
        ("The app is down again and nobody answers the phone", "en"),
        ("Ceci n'est pas une pipe, c'est la banque qui ne répond plus", "fr"),
        ("Das ist ja wohl ein schlechter Witz, seit Stunden geht nichts", "de"),
        ("@acme #acme https://acme.example/this/is/no/language/at/all", ""),
        ("Te kort", ""),
        ("銀行のアプリが使えない", "ja"),
        ("これはひどいですね", "ja"),
        ("这个银行的服务很差", "zh"),
        ("은행 앱이 또 안돼요", "ko"),
        ("ธนาคารล่มอีกแล้ว", "th"),
        ("التطبيق معطل منذ ساعات ولا أحد يرد", "ar"),
        ("Банк опять не работает, какой ужасный сервис", "ru"),
        ("De app van Acme doet het weer niet", "nl"),
        ("アクメ", ""),
        ("Acme 銀行", ""),
        ("KLM KLM KLM", ""),
        ("so bad", ""),
        ("alweer storing", ""),
        ("", ""),
        ("12345 67890 " * 20, ""),
        ("\ud800" * 40 + " dit is wel degelijk gewoon Nederlands hoor", "nl"),
    ],
)
def test_language(text: str, lang: str) -> None:
    assert language(text) == lang


@given(st.text(max_size=200))
def test_language_takes_anything(text: str) -> None:
    assert len(language(text)) in {0, 2}


def test_language_from_many_threads() -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(language("Dit is een heel slechte dag voor de bank")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["nl"] * 8


async def test_the_door_names_a_language_without_waiting_for_the_model() -> None:
    languages = Languages(most=3)
    door = Door(b"a key of an installation, secret", Memory(), tell=languages)
    terms = Terms(keep="all")
    text = "Dit is een heel slechte dag voor Acme, alle ketels branden"

    def lang(number: int, **of: object) -> str:
        mention = door.admit(item(f"{number}", text=text, **of), now_ms=1_700_000_000_000, terms=terms)
        assert mention is not None
        return mention.lang

    lang(0)
    async with asyncio.timeout(20):
        number = 1
        while not languages(text, number):
            number += 1
            await asyncio.sleep(0.01)
    assert lang(-1, lang="af") == "af"
    assert [lang(-2 - i) for i in range(5)] == ["nl"] * 3 + [""] * 2, "three in one second, no more"


def test_no_language_where_nobody_asks() -> None:
    """A replay's door: what it says must not rest on a model."""
    door = Door(b"a key of an installation, secret", Memory())
    mention = door.admit(
        item("1", text="Dit is een heel slechte dag voor Acme"),
        now_ms=1_700_000_000_000,
        terms=Terms(keep="all"),
    )
    assert mention is not None and not mention.lang


def test_the_model_comes_only_when_a_text_is_judged() -> None:
    code = """
import sys
import warn.cli, warn.ingest.collector
from warn.ingest.text import language, plain
assert plain("<p>a") == "a" and language("kort") == ""
heavy = [m for m in sys.modules if m.partition(".")[0] in ("py3langid", "numpy")]
assert not heavy, heavy
language("Dit is een heel slechte dag voor de bank")
assert "py3langid" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
