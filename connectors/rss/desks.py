"""Lists of news desks: the one that comes with warn, or one's own, copied from it."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, StringConstraints, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

SHIPPED: Final = "press"
_PATH: Final = Path(__file__).with_name("press.yaml")

Code = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]


class Desk(BaseModel):
    """One feed of a list. `country`: ISO 3166, `xx` for desks of the whole world; `language`: ISO 639-1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    country: Code
    language: Code
    feed: HttpUrl


_desks: Final = TypeAdapter(Annotated[tuple[Desk, ...], Field(max_length=500)])


def desks(where: str) -> tuple[Desk, ...]:
    """The list `press`, or a YAML file of one's own. Raises ValueError with what is wrong."""
    path = _PATH if where == SHIPPED else Path(where)
    try:
        found = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        return _desks.validate_python(found)
    except OSError as e:
        raise ValueError(f"list: {where!r} cannot be read: {e.strerror}") from None
    except (YAMLError, UnicodeDecodeError) as e:
        raise ValueError(f"list: {where!r} is no YAML: {str(e).splitlines()[0]}") from None
    except ValidationError as e:
        first = e.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"list: {where!r}, entry {place}: {first['msg']}") from None
