"""Models of the river library to plain numbers and back, without pickle.

A walk over the object graph that knows a closed set of shapes: plain values, containers, random generators, and
objects of river's own classes, by their attributes or, where they are compiled, by the bytes that they give. What is
shared stays shared. Anything else is refused when it is written, so that nothing of another make is ever read.

Reading builds instances of river's own classes only, by name, without calling their constructors; compiled classes
are handed bytes, and garbage makes some of them panic, which is no Exception. Hence checksum first (`river.py`), and
everything that goes wrong comes out as ValueError.
"""

import functools
import importlib
import random
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, Final

Tree = Any
"""None, bool, int, float, str, bytes, or a list that begins with what it is."""

ROOT: Final = "river."
COMPILED: Final = "river._river_rust"
PLAIN_TYPES: Final = {t.__name__: t for t in (tuple, list, dict, set, int, float)}
SMALL: Final = 1 << 63


class Unsaveable(ValueError):
    """An object of a kind that the walk does not know."""


def _named(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _ours(module: str | None) -> bool:
    return bool(module) and str(module).startswith(ROOT)


def _attributes(thing: object) -> dict[str, Any]:
    """What an object holds, in `__dict__` and in slots."""
    held = dict(getattr(thing, "__dict__", {}))
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(thing, name):
                held[name] = getattr(thing, name)
    return held


class Writer:
    """One walk from an object to a tree. Names of classes and attributes are written once."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._keep: list[object] = []
        self._names: dict[tuple[str, ...], int] = {}

    def write(self, thing: Any) -> Tree:
        """The tree of a thing; Unsaveable where it holds what is not known."""
        if thing is None or type(thing) in (bool, str, bytes):
            return thing
        if isinstance(thing, float):
            return float(thing)
        if type(thing) is int:
            return thing if -SMALL <= thing < SMALL else ["int", str(thing)]
        if (
            type(thing).__module__ == "numpy"
            and hasattr(thing, "item")
            and getattr(thing, "shape", None) == ()
        ):
            return self.write(thing.item())
        if isinstance(thing, type):
            return self._type(thing)
        if id(thing) in self._seen:
            return ["ref", self._seen[id(thing)]]
        self._seen[id(thing)] = len(self._seen)
        self._keep.append(thing)  # an id is a name only as long as the thing lives
        return self._container(thing) or self._function(thing) or self._object(thing)

    def _type(self, kind: type) -> Tree:
        if PLAIN_TYPES.get(kind.__name__) is kind:
            return ["type", kind.__name__]
        if _ours(kind.__module__):
            return ["class", _named(kind)]
        raise Unsaveable(f"a reference to the class {_named(kind)}")

    def _container(self, thing: Any) -> Tree:
        kind, write = type(thing), self.write
        if kind is list:
            return ["list", *map(write, thing)]
        if kind is tuple:
            return ["tuple", *map(write, thing)]
        if kind in (set, frozenset):
            return [kind.__name__, *sorted(map(write, thing), key=repr)]
        if kind is deque:
            return ["deque", thing.maxlen, *map(write, thing)]
        if kind in (dict, OrderedDict, Counter, defaultdict):
            head = ["defaultdict", write(thing.default_factory)] if kind is defaultdict else [kind.__name__]
            return [*head, *(write(x) for pair in thing.items() for x in pair)]
        if kind is random.Random:
            version, words, gauss = thing.getstate()
            return ["random", version, list(words), gauss]
        return None

    def _function(self, thing: Any) -> Tree:
        if isinstance(thing, MethodType) and _ours(type(thing.__self__).__module__):
            return ["method", self.write(thing.__self__), thing.__name__]
        if isinstance(thing, (FunctionType, BuiltinFunctionType)) and _ours(thing.__module__):
            return ["function", f"{thing.__module__}:{thing.__qualname__}"]
        if type(thing) is functools.partial:
            return ["partial", self.write(thing.func), self.write(thing.args), self.write(thing.keywords)]
        return None

    def _object(self, thing: Any) -> Tree:
        kind = type(thing)
        if not _ours(kind.__module__):
            raise Unsaveable(f"an object of {_named(kind)}")
        if kind.__module__.startswith(COMPILED):
            made = thing.__reduce_ex__(2)
            arguments = made[1][1:] if made[1][:1] == (kind,) else made[1]
            return [
                "compiled",
                _named(kind),
                self.write(arguments),
                self.write(made[2] if len(made) > 2 else None),
            ]
        attributes = _attributes(thing)
        names = (_named(kind), *attributes)
        number = self._names.get(names)
        if number is None:
            self._names[names] = len(self._names)
        return [
            "object",
            list(names) if number is None else number,
            self._contents(thing),
            *map(self.write, attributes.values()),
        ]

    def _contents(self, thing: Any) -> Tree:
        """What an object that is itself a container holds."""
        if isinstance(thing, deque):
            return ["deque", thing.maxlen, *map(self.write, thing)]
        if isinstance(thing, list):
            return ["list", *map(self.write, thing)]
        if isinstance(thing, dict):
            return ["dict", *(self.write(x) for pair in thing.items() for x in pair)]
        return None


def _river(name: str) -> Any:
    """A class or function of river's, by `module:name`; ValueError for any other."""
    module, _, path = name.partition(":")
    if not _ours(module):
        raise ValueError(f"{name} is not of river")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    if not _ours(getattr(found, "__module__", None)):
        raise ValueError(f"{name} is not of river")
    return found


class Reader:
    """One walk from a tree to an object."""

    def __init__(self) -> None:
        self._things: list[Any] = []
        self._names: list[list[str]] = []

    def read(self, tree: Tree) -> Any:
        """The thing that was written; ValueError, TypeError, LookupError or AttributeError for what never was."""
        if not isinstance(tree, list):
            return tree
        kind, *rest = tree
        if kind == "int":
            return int(rest[0])
        if kind == "type":
            return PLAIN_TYPES[rest[0]]
        if kind == "class":
            return self._class(rest[0])
        if kind == "ref":
            return self._things[rest[0]]
        place = len(self._things)
        self._things.append(None)
        if kind in MUTABLE:
            return self._mutable(kind, rest, place)
        thing = self._things[place] = self._fixed(kind, rest)
        return thing

    def _class(self, name: str) -> type:
        found = _river(name)
        if not isinstance(found, type):
            raise TypeError(f"{name} is no class")
        return found

    def _mutable(self, kind: str, rest: list[Tree], place: int) -> Any:
        """Things that may hold themselves: known by their place before what they hold is read."""
        if kind == "object":
            return self._object(rest, place)
        thing: Any = EMPTY[kind](self.read(rest[0]) if kind in HEADED else None)
        self._things[place] = thing
        self._fill(thing, rest[1:] if kind in HEADED else rest)
        return thing

    def _fill(self, thing: Any, items: list[Tree]) -> None:
        if isinstance(thing, dict):
            for i in range(0, len(items), 2):
                key = self.read(items[i])
                thing[key] = self.read(items[i + 1])
        else:
            thing.extend(map(self.read, items))

    def _object(self, rest: list[Tree], place: int) -> Any:
        head, contents, *values = rest
        if isinstance(head, list):
            self._names.append(head)
        name, *attributes = head if isinstance(head, list) else self._names[head]
        kind = self._class(name)
        made: Any = kind.__new__  # not called as kind(): constructors want arguments
        thing = made(kind)
        self._things[place] = thing
        if contents is not None:
            what, *items = contents
            if what == "deque":
                deque.__init__(thing, (), items.pop(0))
            self._fill(thing, items)
        for attribute, value in zip(attributes, values, strict=True):
            object.__setattr__(thing, attribute, self.read(value))
        return thing

    def _fixed(self, kind: str, rest: list[Tree]) -> Any:
        read = self.read
        if kind == "tuple":
            return tuple(map(read, rest))
        if kind in ("set", "frozenset"):
            return (set if kind == "set" else frozenset)(map(read, rest))
        if kind == "random":
            made = random.Random()
            made.setstate((rest[0], tuple(rest[1]), rest[2]))
            return made
        if kind == "method":
            holder = read(rest[0])
            if not _ours(type(holder).__module__):
                raise ValueError(f"a method of {_named(type(holder))}")
            return getattr(holder, rest[1])
        if kind == "function":
            return _river(rest[0])
        if kind == "partial":
            function: Callable[..., Any] = read(rest[0])
            return functools.partial(function, *read(rest[1]), **read(rest[2]))
        if kind == "compiled":
            thing = self._class(rest[0])(*read(rest[1]))
            state = read(rest[2])
            if state is not None:
                thing.__setstate__(state)
            return thing
        raise ValueError(f"a thing of kind {kind!r}")


EMPTY: Final[dict[str, Callable[[Any], Any]]] = {
    "list": lambda _: [],
    "dict": lambda _: {},
    "OrderedDict": lambda _: OrderedDict(),
    "Counter": lambda _: Counter(),
    "defaultdict": defaultdict,
    "deque": lambda longest: deque(maxlen=longest),
}
HEADED: Final = frozenset({"defaultdict", "deque"})
MUTABLE: Final = frozenset({"object", *EMPTY})


def dump(thing: object) -> Tree:
    """A river model as a tree of plain values; Unsaveable where that cannot be."""
    return Writer().write(thing)


def load(tree: Tree) -> Any:
    """The model again, as far as can be told apart by using it; ValueError for anything else."""
    try:
        return Reader().read(tree)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as e:  # noqa: BLE001 - compiled classes panic on garbage, which is no Exception
        raise ValueError(f"no state of a river model: {type(e).__name__}: {e}") from None
