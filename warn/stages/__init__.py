"""match, detect and respond as deterministic state machines, and the one shape that they share."""
