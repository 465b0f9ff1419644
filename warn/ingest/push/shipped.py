"""Mappings that are shipped as YAML files, one for each service, by the name of the service."""

from collections.abc import Mapping as Map
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from warn.ingest.push.mapping import Mapping
from warn.rulefile.document import read

SUFFIX = ".yaml"


def names(folder: Path) -> tuple[str, ...]:
    """All that there are, in order."""
    return tuple(sorted(path.stem for path in folder.glob(f"*{SUFFIX}")))


@cache
def shipped(folder: Path, name: str) -> Mapping:
    """The mapping of that name. Raises ValueError for one that is not there, or is none."""
    if name not in names(folder):
        raise ValueError(f"there is no mapping {name[:40]!r}; there are: {', '.join(names(folder))}")
    path = folder / f"{name}{SUFFIX}"
    document = read(path.name, path.read_bytes())
    if document.failed:
        raise ValueError("; ".join(problem.text() for problem in document.problems))
    try:
        return Mapping.model_validate(document.data)
    except ValidationError as e:
        raise ValueError(f"{path.name}: {e}") from None


def guarded(settings: object, folder: Path, *, named: str = "") -> object:
    """Settings of a connector as they are written, with the role that their mapping has where they say none.

    So what staff or customers write comes in as such, and with what is asked for that, also where nobody thought of it.
    `named`: the mapping where the settings have none. Raises nothing: what is wrong with them is told by their own checks.
    """
    if not isinstance(settings, Map) or "role" in settings:
        return settings
    mapping = settings.get("mapping") or named
    if isinstance(mapping, str) and mapping in names(folder):
        mapping = shipped(folder, mapping)
    role = mapping.get("role") if isinstance(mapping, Map) else getattr(mapping, "role", "")
    return {**settings, "role": role} if isinstance(role, str) and role else settings
