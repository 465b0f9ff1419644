"""The types that flow between stages: standard library and msgspec only.

Times of mentions are integer milliseconds since the epoch (`*_ms`); everything that decides counts in whole seconds
(`now`, `at`, `second`).
People, posts and threads are keyed 64-bit hashes (see `hashing`); texts and native ids stay in the mention.
"""
