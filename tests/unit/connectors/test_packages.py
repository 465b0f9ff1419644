"""Connectors of other people's packages: found by entry point, and what is wrong with one is its own affair."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import connectors
from connectors import ConnectorSettings, build, types
from tests.contract.connectors.faults import check_faults, inside
from tests.contract.connectors.service import serve
from warn.app.machine import look
from warn.app.symptom import State
from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Connector
from warn.settings import Settings
from warn.testing.check_connector import Until, check_connector

DOC = Path(__file__).resolve().parents[3] / "docs" / "adding.md"
ANY: TypeAdapter[Any] = TypeAdapter(ConnectorSettings)
Install = Callable[..., None]


def built(config: ConnectorConfig) -> Connector:
    made = build(config)
    assert isinstance(made, Connector)
    return made


def worked_example() -> str:
    """The connector that stands in the documentation."""
    found = re.search(r'```python\n("""A pond.*?)```', DOC.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def clear() -> None:
    connectors._packages.cache_clear()
    connectors.kind.cache_clear()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a distribution where Python finds it, as an installer does."""

    def put(package: str, module: str, code: str, entry: str) -> None:
        folder = tmp_path / package
        about = folder / f"{package.replace('-', '_')}-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[warn.connectors]\n{entry}\n")
        (folder / f"{module}.py").write_text(code)
        monkeypatch.syspath_prepend(str(folder))
        clear()

    clear()
    yield put
    monkeypatch.undo()
    clear()


def test_the_worked_example_is_short() -> None:
    assert worked_example().count("\n") < 60


async def test_the_worked_example_keeps_the_contract(install: Install) -> None:
    """From the page into a package, by its entry point into the settings, and through both suites."""
    install("warn-pond", "warn_pond_ok", worked_example(), "pond = warn_pond_ok:KIND")
    posts: list[dict[str, Any]] = [
        {"nr": n, "at": 1_764_000_000 + n, "text": f"Acme {n}", "who": "Marker"} for n in range(1, 25)
    ]

    async def page(request: Request) -> JSONResponse:
        after = int(request.query_params["after"])
        return JSONResponse([*[post for post in posts if post["nr"] > after][:10], {"odd": 1}])

    def settings(url: str) -> dict[str, object]:
        return {"type": "pond", "url": url, "key": "s3cret", "inside": [inside(url)], "every": 0.001}

    async with serve(Starlette(routes=[Route("/posts", page)])) as address:
        config = Settings(connectors={"pond": settings(address.url)}).connectors["pond"]
        assert config.name == "pond"
        await check_connector(
            lambda: (config, Until(built(config), lambda batch: not batch.items)),
            secrets=["s3cret", "Marker"],
        )
    await check_faults(
        lambda url: built(ANY.validate_python({**settings(url), "name": "pond"})),
        place="pond", remedy="make a new key", secrets=["s3cret"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "entry", "message"),
    [
        (
            "import nothing_of_that_name",
            "lake = {m}:KIND",
            "warn-lake, which cannot be loaded: ModuleNotFoundError",
        ),
        ("raise SystemExit(3)", "lake = {m}:KIND", "warn-lake, which cannot be loaded: SystemExit"),
        ("1 / 0", "lake = {m}:KIND", "warn-lake, which cannot be loaded: ZeroDivisionError"),
        ("", "lake = {m}:KIND", "warn-lake, which cannot be loaded: AttributeError"),
        ("", "lake = no_such_module:KIND", "warn-lake, which cannot be loaded: ModuleNotFoundError"),
        ("KIND = 7", "lake = {m}:KIND", "warn-lake, whose entry point {m}:KIND is no warn.ingest.kind.Kind"),
        (None, "lake = {m}:KIND", "settings do not say `type: Literal"),
    ],
)
def test_one_that_is_broken_is_named_and_breaks_nothing_else(
    install: Install, request: pytest.FixtureRequest, code: str | None, entry: str, message: str
) -> None:
    module = f"warn_lake_{abs(hash(request.node.name))}"
    install("warn-lake", module, worked_example() if code is None else code, entry.format(m=module))
    with pytest.raises(ValidationError) as caught:
        ANY.validate_python({"type": "lake", "name": "x"})
    assert message.format(m=module) in str(caught.value)
    assert "lake" in types()
    assert ANY.validate_python({"type": "simulate", "name": "x"}).name == "x"


def test_of_two_packages_with_one_type_neither_wins(install: Install) -> None:
    install("warn-sea", "warn_sea_1", worked_example(), "sea = warn_sea_1:KIND")
    install("other-sea", "warn_sea_2", worked_example(), "sea = warn_sea_2:KIND")
    with pytest.raises(ValidationError, match="other-sea and warn-sea, of which only one may be installed"):
        ANY.validate_python({"type": "sea", "name": "x"})


def test_a_type_of_ours_cannot_be_taken(install: Install) -> None:
    install("warn-thief", "warn_thief", worked_example(), "replay = warn_thief:KIND")
    assert (
        type(ANY.validate_python({"type": "replay", "name": "x", "paths": ["a"]})).__module__
        == "connectors.replay"
    )


def test_a_package_whose_type_is_ours_is_named(install: Install, tmp_path: Path) -> None:
    """By doctor, and in the log of a daemon that starts: somebody has installed it to be used."""
    assert not connectors.eclipsed()
    install("warn-thief", "warn_thief_named", worked_example(), "rss = warn_thief_named:KIND")
    assert connectors.eclipsed() == {"rss": "warn-thief"}
    said = [one for one in look(Settings(data=tmp_path, rules=tmp_path)) if "warn-thief" in one.what]
    assert [one.state for one in said] == [State.NOTE] and "which warn has itself" in said[0].what
    path = os.pathsep.join((str(tmp_path / "warn-thief"), str(Path(__file__).parents[3])))
    done = subprocess.run(
        [sys.executable, "-m", "warn", "run", "--rules", "none"], cwd=tmp_path, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": path, "WARN_WEB__PORT": "0"}, capture_output=True, text=True,
    )  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if "connector_type_eclipsed" in line]
    assert len(lines) == 1 and '"rss"' in lines[0] and '"warn-thief"' in lines[0], done.stderr


def test_an_unknown_type_says_which_there_are(install: Install) -> None:
    install("warn-pond", "warn_pond_listed", worked_example(), "pond = warn_pond_listed:KIND")
    with pytest.raises(ValidationError, match=r"pond, .*replay"):
        ANY.validate_python({"type": "ocean", "name": "x"})
