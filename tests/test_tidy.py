"""The house's form, told by a machine so that no person has to: sizes, names, docstrings, and a few traps.

Each message says what to do instead. An exception is a line in `EXCEPTIONS` with its reason; an exception that is no
longer needed fails too.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
TREES = ("warn", "connectors", "benchmarks", "grafana", "tests")

FILE_LINES = 300
FUNCTION_LINES = 50
BANNED_STEMS = {"util", "utils", "helper", "helpers", "common", "misc", "base_utils", "shared_utils"}
# A folder of one machine: no file of the project may know one.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/\w+|/tmp/\w+")

EXCEPTIONS: dict[tuple[str, str], str] = {
    # (rule, "path" or "path:name"): reason
    (
        "loose task",
        "warn/worker.py",
    ): "a step is never cancelled: it outlives the wait for it, and the loop owns it",
    (
        "loose task",
        "warn/bus/kafka/clients.py",
    ): "a Kafka client may not stop: its end outlives the bus's wait for it, and is counted where it does not come",
}


class Finding(NamedTuple):
    """Something out of form, and what to do about it."""

    rule: str
    place: str
    line: int
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}:{self.line}: {self.rule}: {self.remedy}"


class Source(NamedTuple):
    """A Python file of ours."""

    path: str
    text: str
    tree: ast.Module

    @property
    def ships(self) -> bool:
        return self.path.startswith(("warn/", "connectors/"))


Rule = Callable[[Source], Iterator[Finding]]


def too_long_file(source: Source) -> Iterator[Finding]:
    lines = source.text.count("\n")
    if lines > FILE_LINES:
        yield Finding("file size", source.path, 1, f"{lines} lines, {FILE_LINES} allowed: split it by noun")


def too_long_function(source: Source) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                remedy = f"{lines} lines, {FUNCTION_LINES} allowed: name its parts and call them"
                yield Finding("function size", f"{source.path}:{node.name}", node.lineno, remedy)


def banned_name(source: Source) -> Iterator[Finding]:
    if Path(source.path).stem in BANNED_STEMS:
        yield Finding(
            "file name", source.path, 1, "name the noun it is about; put each function beside its use"
        )


def no_docstring(source: Source) -> Iterator[Finding]:
    if source.ships and not ast.get_docstring(source.tree):
        yield Finding(
            "docstring", source.path, 1, "say in one sentence what part of the story this module tells"
        )


def loose_task(source: Source) -> Iterator[Finding]:
    for call in _calls(source.tree):
        if source.ships and _name(call.func) in {"create_task", "ensure_future"} and not _is_group(call.func):
            yield Finding("loose task", source.path, call.lineno, "start it in a TaskGroup, which owns it")


def unbounded_queue(source: Source) -> Iterator[Finding]:
    for call in _calls(source.tree):
        bounded = call.args or any(k.arg in {"maxsize", "maxlen"} for k in call.keywords)
        if source.ships and _name(call.func) in {"Queue", "LifoQueue", "PriorityQueue"} and not bounded:
            yield Finding(
                "unbounded queue", source.path, call.lineno, "give it a maxsize, and count what it drops"
            )


def made_up_event(source: Source) -> Iterator[Finding]:
    levels = {"debug", "info", "warning", "error", "critical", "exception"}
    for call in _calls(source.tree):
        if isinstance(call.func, ast.Attribute) and call.func.attr in levels and call.args:
            first = call.args[0]
            if source.ships and isinstance(first, ast.JoinedStr | ast.BinOp):
                remedy = "an event has a constant name; values go into fields"
                yield Finding("log event name", source.path, call.lineno, remedy)


def trusted_markup(source: Source) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        named = isinstance(node, ast.Name | ast.Attribute) and _name(node) in {"Markup", "mark_safe"}
        imported = isinstance(node, ast.ImportFrom) and any(a.name == "Markup" for a in node.names)
        if source.ships and (named or imported):
            remedy = "post text is hostile: let Jinja escape it, and build SVG in a template"
            yield Finding("trusted markup", source.path, getattr(node, "lineno", 1), remedy)


def machine_path(source: Source) -> Iterator[Finding]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if MACHINE_PATH.search(line):
            remedy = "no path of one machine: take it from an argument, tmp_path or tests.shared"
            yield Finding("machine path", source.path, number, remedy)


RULES: tuple[Rule, ...] = (
    too_long_file,
    too_long_function,
    banned_name,
    no_docstring,
    loose_task,
    unbounded_queue,
    made_up_event,
    trusted_markup,
    machine_path,
)


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_group(node: ast.expr) -> bool:
    """`group.create_task(...)`: a TaskGroup's, told by not being asyncio's or a loop's."""
    return (
        isinstance(node, ast.Attribute)
        and _name(node.value) not in {"asyncio", "loop", "get_running_loop"}
        and not (isinstance(node.value, ast.Call))
    )


def sources() -> Iterator[Source]:
    for tree in TREES:
        for path in sorted((ROOT / tree).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            yield Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text))


def _excepted(finding: Finding) -> bool:
    return (finding.rule, finding.place) in EXCEPTIONS


def test_house_form() -> None:
    """Every Python file of the project keeps the house's form."""
    findings = [f for source in sources() for rule in RULES for f in rule(source)]
    bad = [str(f) for f in findings if not _excepted(f)]
    assert not bad, "\n" + "\n".join(bad)
    stale = set(EXCEPTIONS) - {(f.rule, f.place) for f in findings}
    assert not stale, f"exceptions that nothing needs any more: {sorted(stale)}"


def test_no_unsafe_filter_in_templates() -> None:
    """No template turns escaping off: post text is hostile."""
    bad = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "warn").rglob("templates/**/*"))
        if path.is_file() and re.search(r"\|\s*safe\b|autoescape\s+false", path.read_text(encoding="utf-8"))
    ]
    assert not bad, f"let Jinja escape: {bad}"


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (too_long_file, "warn/x.py", "x = 1\n" * (FILE_LINES + 1)),
        (too_long_function, "warn/x.py", "def f():\n" + "    x = 1\n" * FUNCTION_LINES),
        (banned_name, "warn/utils.py", '"""D."""\n'),
        (no_docstring, "connectors/x.py", "x = 1\n"),
        (loose_task, "warn/x.py", "asyncio.create_task(f())\n"),
        (loose_task, "warn/x.py", "asyncio.get_running_loop().create_task(f())\n"),
        (unbounded_queue, "warn/x.py", "q = asyncio.Queue[int]()\n"),
        (made_up_event, "warn/x.py", "log.info(f'read {n}')\n"),
        (trusted_markup, "warn/web/x.py", "from markupsafe import Markup\n"),
        (machine_path, "tests/x.py", "p = '/ho" + "me/me/data'\n"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_rule_finds_its_fault(rule: Rule, path: str, text: str) -> None:
    """A rule that cannot fail is none."""
    assert list(rule(Source(path, text, ast.parse(text))))


def test_a_task_in_a_group_is_owned() -> None:
    """`TaskGroup.create_task` is how tasks are started."""
    text = "async with asyncio.TaskGroup() as group:\n    group.create_task(f())\n"
    assert not list(loose_task(Source("warn/x.py", text, ast.parse(text))))
