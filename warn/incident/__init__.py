"""The people's state for one crisis: its course, the words it is told in, and what must be said to whom."""
