"""Settings of the process: from arguments, environment (WARN_*), a folder of secrets, a YAML file, and defaults.

In this order; the first that says something counts, key by key. `model` says what there is, `load` reads the sources and
tells mistakes with their place, `secret` guards what nobody else may read.
"""

from warn.settings.load import Loaded, load
from warn.settings.model import RouteSettings, Settings
from warn.settings.secret import KEY_FILE, SettingsError, hash_key

__all__ = ["KEY_FILE", "Loaded", "RouteSettings", "Settings", "SettingsError", "hash_key", "load"]
