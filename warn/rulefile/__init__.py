"""Rule files: YAML that people write, checked with every mistake in its place, made into plain data.

`document` reads YAML with places, `schema` says what is allowed, `check` looks at what one key alone cannot
tell,
`lexicon` brings the word lists, `convert` makes the `RuleSet`, `load` does all of it, `draft` writes a first
file.
"""

from warn.rulefile.draft import DraftError, draft
from warn.rulefile.load import Checked, Loaded, NoRuleFilesError, check_text, load, rule_files
from warn.rulefile.problem import Problem

__all__ = [
    "Checked",
    "DraftError",
    "Loaded",
    "NoRuleFilesError",
    "Problem",
    "check_text",
    "draft",
    "load",
    "rule_files",
]
