"""Where records are kept in order and steps are committed whole: one port, several engines."""
