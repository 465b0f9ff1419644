"""Speed, measured as ratios within one run; each prints one table and one JSON line."""
