"""Mappings that are shipped as YAML files, one for each service, by the name of the service."""

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
