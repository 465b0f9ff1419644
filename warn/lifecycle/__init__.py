"""The machine's state for one rule: inactive, pending, firing, resolved. Prometheus's words, Prometheus's meaning."""
