"""Where files that ship with warn lie: inside the installed package, or beside it in a checkout."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal


def bundled(name: Literal["rules", "grafana"]) -> Traversable:
    """The folder of this name: `warn/_bundled/<name>` in a wheel, `<name>` at the top of a checkout.

    Raises FileNotFoundError where neither is there.
    """
    package = files("warn")
    inside = package / "_bundled" / name
    if inside.is_dir():
        return inside
    beside = Path(str(package)).parent / name
    if beside.is_dir():
        return beside
    raise FileNotFoundError(f"the folder {name} is neither in the installed package nor beside it")
