"""Hostile text in every field that strangers can reach: the page keeps its shape, and the text is shown as text."""

from functools import cache

import pytest

from tests.unit.web.client import client, exposition
from tests.unit.web.made_up import event, history, numbers, post
from tests.unit.web.reading import Read
from warn.model.alerts import DeliveryEvent, IncidentEvent
from warn.web.health import Health
from warn.web.routes import build
from warn.web.store import Store

TAGS = [
    "<script>alert(1)</script>", "<ScRiPt src=//evil.example></sCrIpT>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>", "<body onload=alert(1)>", "<iframe src=javascript:alert(1)>", "<a href=javascript:alert(1)>x</a>",
    "<math><mtext><table><mglyph><style><img src onerror=alert(1)>", "<form><button formaction=javascript:alert(1)>x", "<style>*{display:none}</style>",
    "<link rel=stylesheet href=//evil.example>", "<base href=//evil.example>", "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<details open ontoggle=alert(1)>", "<video><source onerror=alert(1)>", "<audio src onerror=alert(1)>", "<object data=data:text/html,x>",
    "<embed src=//evil.example>", "<input autofocus onfocus=alert(1)>", "<marquee onstart=alert(1)>", "<template><script>alert(1)</script></template>",
    "<noscript><p title=\"</noscript><img src onerror=alert(1)>\">", "<textarea></textarea><script>alert(1)</script>", "<title></title><script>x</script>",
    "<plaintext>", "<xmp><img src onerror=1>", "<!--><img src onerror=1>-->", "<![CDATA[<img src onerror=1>]]>", "<?xml version='1.0'?><x/>",
    "<isindex action=javascript:alert(1)>", "<frameset onload=alert(1)>", "<keygen autofocus onfocus=1>", "<select><option><script>1</script>",
    "<dialog open onclose=alert(1)>", "<bdo dir=rtl>txet</bdo>", "<bdi></bdi><script>1</script>", "</bdi></p></li></ul></section><script>1</script>",
    "</title><script>alert(1)</script>", "</style><script>alert(1)</script>", "</main><h1>PAGE: everything is fine</h1>", "<x/onclick=alert(1)>",
    "<img src='https://evil.example/pixel.gif'>", "<picture><source srcset=//evil.example/x>", "<use href=data:image/svg+xml,x#y>",
    "<animate onbegin=alert(1)>", "<foreignObject><script>1</script>", "<portal src=//evil.example>", "<a ping=//evil.example href=x>", "<a target=_blank href=//evil>x",
]  # fmt: skip
BREAKOUTS = [
    '"><script>alert(1)</script>', "'><script>alert(1)</script>", '" onmouseover="alert(1)', "' onfocus='alert(1)' autofocus='", "` onload=alert(1) `",
    '" style="position:fixed;inset:0', '"/><img src=x onerror=alert(1)><"', "\" accesskey=x onclick=alert(1) \"", "&quot;&gt;&lt;script&gt;alert(1)", "&#60;script&#62;",
    "&lt;script&gt;alert(1)&lt;/script&gt;", "\\x3cscript\\x3e", "\\u003cscript\\u003e", "%3Cscript%3Ealert(1)%3C/script%3E", "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "\x00<script>alert(1)</script>", "<scr\x00ipt>alert(1)</scr\x00ipt>", "<scr<script>ipt>alert(1)</scr</script>ipt>", "＜script＞alert(1)＜/script＞", "ʺ><script>",
]  # fmt: skip
TEMPLATES = [
    "{{7*7}}", "{{ config }}", "{% raw %}{% endraw %}", "{{ ''.__class__.__mro__ }}", "{% include '/etc/passwd' %}", "${7*7}", "<%= 7*7 %>", "#{7*7}",
    "{#", "#}", "{{", "}}", "{0}", "{count}", "{words.__class__}", "%(x)s", "%s%n", "{!r}", "{{ self }}", "{% for x in ().__class__ %}",
]  # fmt: skip
DIRECTION = [
    "safe\u202etxt.exe", "\u202dabc\u202e", "\u2066x\u2069\u2067y\u2069", "\u200fabc\u200e", "\u061cabc", "\ufeffabc", "a\u0300\u0301\u0302\u0303\u0304\u0305\u0306" * 9,
    "\ud800 half", "x" * 5_000, "\r\nSet-Cookie: a=b", "\x1b[2J\x1b[H", "\u2028<script>\u2029", "\x85", "👩‍👩‍👧‍👦", "السلام <b>عليكم</b>",
]  # fmt: skip
LINKS = [
    "javascript:alert(1)", "JAVASCRIPT:alert(1)", "java\tscript:alert(1)", "\x01javascript:alert(1)", "data:text/html;base64,PHNjcmlwdD4=", "vbscript:msgbox(1)",
    "https://evil.example/\"><script>1</script>", "https://evil.example/' onclick='1", "//evil.example", "https:\\\\evil.example", "file:///etc/passwd", "blob:x", "https://a@b/",
]  # fmt: skip
PAYLOADS = [*TAGS, *BREAKOUTS, *TEMPLATES, *DIRECTION, *LINKS]


def _said(text: str) -> IncidentEvent:
    return event(
        brand=text,
        topic=f"Acme/{text}",
        about=(text, text),
        summary=text,
        message=text,
        alert=text,
        annotations={"owner": text, "playbook": text, "summary": text, "description": text},
        labels={text: text},
        timezone=text[:40],
        numbers=numbers(
            platforms=((text, 5), ("b", 2)),
            first_platform=text,
            deaf=(text,),
            press=1,
            press_at=1_772_762_520,
        ),
    )


def _app(payload: str) -> Store:
    """A crisis in which strangers wrote `payload` wherever they can."""
    store = Store()
    text = payload.replace("\ud800", "\ufffd")
    said = _said(text)
    store.put_incidents([said])
    store.put_incidents(
        [
            DeliveryEvent(
                incident=said.incident,
                sequence=1,
                notifier=text,
                state="refused",
                at=said.at,
                attempt=1,
                reason=text,
            )
        ]
    )
    posts = [
        post(
            key=k,
            brand=said.brand,
            topic=said.topic,
            text=text,
            url=text,
            source=text,
            id=text,
            author=k,
            followers=50_000,
        )
        for k in (101, 102, 103)
    ]
    store.put_evidence(posts)
    store.put_history(history())
    return store


def _shape(store: Store, path: str) -> Read:
    answer = client(build(store, Health(), exposition)).get(path)
    assert answer.status_code == 200
    return Read(answer.text)


@cache
def _harmless(path: str) -> frozenset[tuple[str, tuple[str, ...]]]:
    return frozenset(_shape(_app("harmless"), path).shape())


def test_there_are_many() -> None:
    """A hundred different attempts, and some."""
    assert len(set(PAYLOADS)) > 110


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_page_keeps_its_shape(payload: str) -> None:
    """No element and no attribute beyond those of harmless text; no address but a plain one; no direction turned."""
    hostile = _app(payload)
    for path in ("/", "/incidents/00c0ffee00c0ffee"):
        read = _shape(hostile, path)
        assert read.unbalanced == []
        assert read.comments == []
        expected = _harmless(path)
        link = ("a", ("href", "rel", "target"))
        assert set(read.shape()) - expected <= {
            link,
            ("a", ("class", "href", "rel")),
            ("a", ("class", "href")),
        }
        for element in read.elements:
            for name, value in element.attributes.items():
                if name in ("href", "src"):
                    assert value.startswith(("/", "#", "http://", "https://", "tel:", "mailto:"))
                    assert not value.startswith("//")
        assert not any(c in read.text for c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\0\x1b")
    assert "49" not in _shape(hostile, "/").text or "49" in payload
