"""Counting: partials and how they merge, one worker's open seconds, and what is remembered of posts."""
