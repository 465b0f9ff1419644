"""Lengths of what goes to the child and comes back."""

from struct import Struct
from typing import Final

WORK: Final = Struct("<II")
ANSWER: Final = Struct("<I")
MOST_ANSWER: Final = 16 * 1024 * 1024
