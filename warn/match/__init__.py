"""Finding topics in texts: one fold, one scan, and only then the rules that a hit makes possible."""
