"""The pages in a real browser, at the size of a phone.

With SHOTS=folder it leaves pictures there, to be looked at by somebody who knows nothing of the project.
"""

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.web.client import exposition, filled
from tests.unit.web.made_up import BEGAN, INCIDENT, event, evidence, numbers, post
from warn.web.health import Health
from warn.web.routes import build
from warn.web.server import Server

pytestmark = [pytest.mark.real, pytest.mark.browser]

CHROMIUM = Path("/usr/bin/chromium")
PHONE = {"width": 390, "height": 844}
HOSTILE = "<img src=x onerror=alert(1)><script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server with four incidents: English, Dutch in shadow mode, votes, and one whose every text is hostile."""
    store = filled()
    store.put_incidents(
        [
            event(incident="dutch", language="nl", mode="shadow", annotations={}, numbers=numbers(deaf=())),
            event(
                incident="votes",
                about=(),
                numbers=numbers(
                    people=0, echo_people=0, mentions=1, echo=412, signal="echo", seen=412, expected=20.0
                ),
            ),
            event(incident="over"),
            event(incident="over", sequence=2, event="resolved", state="closed", at=BEGAN + 36_000),
            event(incident="hostile", brand=HOSTILE, about=(HOSTILE,), topic="Bad/x", message=HOSTILE),
        ]
    )
    store.put_evidence(
        [
            post(
                key=101,
                brand=HOSTILE,
                topic="Bad/x",
                text=HOSTILE + "W" * 400,
                url="javascript:alert(1)",
                source=HOSTILE,
            )
        ]
    )
    assert evidence()
    server = Server(build(store, Health(), exposition, press_sources=lambda: ("press",)), "127.0.0.1", 0)
    thread = threading.Thread(target=lambda: asyncio.run(server.run()), daemon=True)
    thread.start()
    yield server.url
    server.stop()
    thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    if not CHROMIUM.exists():
        pytest.skip("there is no /usr/bin/chromium here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        started = p.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    [
        "",
        f"incidents/{INCIDENT}",
        "incidents/dutch",
        "incidents/votes",
        "incidents/over",
        "incidents/hostile",
    ],
)
def test_a_phone_shows_it(browser: Any, url: str, path: str, scheme: str) -> None:
    """Nothing is wider than the phone, nothing complains, nothing runs, and what one taps is large enough."""
    page = browser.new_page(viewport=PHONE, color_scheme=scheme)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith(url) else None)
    page.goto(f"{url}/{path}")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
    assert page.title().endswith("warn")
    small = page.evaluate(
        "[...document.querySelectorAll('nav a, .button, summary')].filter(e => e.getBoundingClientRect().height < 40).length"
    )
    assert small == 0
    assert said == []
    if folder := os.environ.get("SHOTS"):
        _shoot(page, Path(folder), f"{path.replace('/', '-') or 'list'}-{scheme}")
    page.close()


def test_the_first_screen_answers_the_first_questions(browser: Any, url: str) -> None:
    """Without scrolling: what, how many, since when, against normal, how fast, press, what we cannot hear, what now."""
    page = browser.new_page(viewport=PHONE)
    page.goto(f"{url}/incidents/{INCIDENT}")
    for text in (
        "Acme",
        "402 people",
        "03:02",
        "250 times as much",
        "doubles every 12 minutes",
        "2 articles",
        "Reddit",
        "What to do now",
    ):
        box = page.get_by_text(text, exact=False).first.bounding_box()
        assert box is not None, text
        assert box["y"] + box["height"] <= PHONE["height"], text
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(browser: Any, url: str, scheme: str) -> None:
    """Every text has the contrast that WCAG 2.2 AA asks for: 4.5 to 1."""
    page = browser.new_page(viewport=PHONE, color_scheme=scheme)
    page.goto(f"{url}/incidents/{INCIDENT}")
    weak = page.evaluate(_CONTRAST)
    assert weak == []
    page.close()


_CONTRAST = """() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
  const ground = e => { while (e) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; e = e.parentElement; } return [255, 255, 255]; };
  const weak = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    if (e.closest('svg') || e.classList.contains('skip')) continue;
    const [a, b] = [lum(parse(getComputedStyle(e).color)), lum(ground(e))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) weak.push(e.className + ': ' + e.textContent.trim().slice(0, 40));
  }
  return weak;
}"""


def _shoot(page: Any, folder: Path, name: str) -> None:
    """One picture a screen, so that they can be read."""
    folder.mkdir(parents=True, exist_ok=True)
    height = page.evaluate("document.documentElement.scrollHeight")
    for screen, y in enumerate(range(0, height, PHONE["height"])):
        page.evaluate(f"window.scrollTo(0, {y})")
        page.screenshot(path=str(folder / f"{name}-{screen}.png"))
