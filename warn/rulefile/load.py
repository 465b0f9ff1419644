"""Files to a rule set: all mistakes of all files at once, or everything in force."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from warn.match.index import MAX_ALWAYS
from warn.model.errors import PermanentError, Reason
from warn.model.rules import RuleSet
from warn.rulefile.check import check
from warn.rulefile.convert import convert
from warn.rulefile.document import LARGEST_FILE, Document, read
from warn.rulefile.lexicon import Lexicon, bundled_lexicons, own_lexicons
from warn.rulefile.parts import Parts, parts
from warn.rulefile.problem import Problem

_ASIDE = frozenset({"demo", "lexicons", "playbooks"})
_NO_RULES = (".test.yaml", ".test.yml", ".settings.yaml")


class NoRuleFilesError(PermanentError):
    """A path that is not there, or a folder without rule files."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason=Reason.CONFIG)


class Checked(Struct, frozen=True, kw_only=True):
    """One file as it was found: for the summary line of `warn rules check`."""

    file: str
    brand: str = ""
    mode: str = ""
    topics: int = 0
    rules: int = 0
    errors: int = 0
    warnings: int = 0


class Loaded(Struct, frozen=True, kw_only=True):
    """The rule set, or None where there is an error; every problem, sorted by place; the files one by one."""

    ruleset: RuleSet | None
    problems: tuple[Problem, ...] = ()
    files: tuple[Checked, ...] = ()


def load(paths: Iterable[str | os.PathLike[str]]) -> Loaded:
    """Read, check and convert rule files, and those below folders. Never raises for what is in them."""
    given = [Path(p) for p in paths]
    try:
        files = rule_files(given)
    except NoRuleFilesError as e:
        return Loaded(
            ruleset=None, problems=(Problem(file=", ".join(map(str, given)) or "rules", message=str(e)),)
        )
    lexicons, about_lexicons = _lexicons(given, files)
    return _checked([(_read(f), f.parent) for f in files], lexicons, about_lexicons)


def check_text(text: str, name: str = "<text>") -> Loaded:
    """Check one rule file that is not on disk yet, with the bundled lexicons."""
    lexicons, _ = bundled_lexicons()
    return _checked([(read(name, text.encode("utf-8", "surrogatepass")), None)], lexicons, [])


def rule_files(paths: Iterable[Path]) -> list[Path]:
    """Rule files among paths and below folders, each once, sorted.

    In folders these are `*.yaml` and `*.yml`, without `*.test.yaml`, `*.settings.yaml`, hidden ones, and what lies
    in `lexicons/` and `playbooks/`. Raises `NoRuleFilesError` for a path that is not there and a folder that has none.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            below = list(_below(path))
            if not below:
                raise NoRuleFilesError(
                    f"there are no rule files (*.yaml) in {path}; `warn rules new` writes one"
                )
        elif path.exists():
            below = [path]
        else:
            raise NoRuleFilesError(f"there is no file or folder {path}")
        for file in below:
            found.setdefault(file.resolve(), file)
    if not found:
        raise NoRuleFilesError("no rule files were named")
    return sorted(found.values(), key=str)


def _below(folder: Path) -> Iterable[Path]:
    for here, folders, files in os.walk(folder):
        # Hidden folders hold the versions that Kubernetes swaps behind links; the links are read, once.
        folders[:] = sorted(f for f in folders if f not in _ASIDE and not f.startswith("."))
        for name in sorted(files):
            if name.endswith((".yaml", ".yml")) and not name.endswith(_NO_RULES) and name[0] != ".":
                yield Path(here, name)


def _lexicons(paths: Iterable[Path], files: Iterable[Path]) -> tuple[dict[str, Lexicon], list[Document]]:
    folders = {p / "lexicons" for p in paths if p.is_dir()} | {f.parent / "lexicons" for f in files}
    shipped, _ = bundled_lexicons()
    own, documents = own_lexicons({f.resolve(): f for f in sorted(folders)}.values())
    return {**shipped, **own}, documents


def _read(file: Path) -> Document:
    document = Document(file=str(file), lines=[])
    if not file.is_file():
        document.problems.append(Problem(file=str(file), message="this is no regular file"))
        return document
    try:
        with file.open("rb") as f:
            return read(str(file), f.read(LARGEST_FILE + 1))
    except OSError as e:
        document.problems.append(Problem(file=str(file), message=f"cannot be read: {e.strerror or e}"))
        return document


def _checked(
    documents: list[tuple[Document, Path | None]], lexicons: Mapping[str, Lexicon], beside: list[Document]
) -> Loaded:
    read_parts: list[Parts | None] = []
    for document, folder in documents:
        found = parts(document)
        read_parts.append(found)
        if found is not None:
            check(found, lexicons, folder)
    whole = [p for p in read_parts if p is not None]
    _across(whole)
    problems = sorted({p for d in [d for d, _ in documents] + beside for p in d.problems})
    failed = any(p.severity == "error" for p in problems)
    return Loaded(
        ruleset=None if failed else convert(whole, lexicons),
        problems=tuple(problems),
        files=tuple(_summary(d, p) for (d, _), p in zip(documents, read_parts, strict=True)),
    )


def _summary(document: Document, found: Parts | None) -> Checked:
    count = Counter(p.severity for p in document.problems)
    head = found.head if found else None
    written = document.data.get("brand") if isinstance(document.data, dict) else None
    return Checked(
        file=document.file,
        brand=written if isinstance(written, str) else "",
        mode=head.mode if head else "",
        topics=len(found.topics) if found else 0,
        rules=len(found.rules) if found else 0,
        errors=count["error"],
        warnings=count["warning"],
    )


def _slow(files: list[Parts]) -> None:
    """All files together may have so many expressions that must be tried on every post, and no more."""
    found = [(file.document, loc) for file in files for loc in file.slow]
    for document, loc in found[MAX_ALWAYS:]:
        document.add(
            document.at(loc),
            f"`regex`: {len(found)} expressions have no fixed piece of three letters, and at most "
            f"{MAX_ALWAYS} can be tried on every post, in all files together",
        )


def _across(files: list[Parts]) -> None:
    """What files say against each other: one brand in two files, one channel with two roles."""
    _slow(files)
    brands: dict[str, Parts] = {}
    roles: dict[str, tuple[str | None, str]] = {}
    for file in files:
        document = file.document
        brand = document.data.get("brand")
        if isinstance(brand, str):
            first = brands.setdefault(brand.casefold().strip(), file)
            if first is not file:
                document.add(
                    document.at(("brand",)),
                    f"the brand `{brand}` has a file already: {first.document.file}; put its topics and "
                    "rules together",
                )
        for loc, name, channel in file.channels:
            role, where = roles.setdefault(name, (channel.role, document.file))
            if role != channel.role:
                document.add(
                    document.at(loc, key=True),
                    f"the channel `{name}` has the role {channel.role or 'none'} here and {role or 'none'} "
                    f"in {where}; "
                    "a source has one role",
                )
