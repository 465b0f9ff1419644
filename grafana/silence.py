"""The row that says whether anybody would notice if warn went deaf."""

from grafana.panel import GREEN, RED, Panel, Row

SILENCE = Row(
    "Would anybody notice?",
    8,
    (
        Panel(
            "states",
            "Sources not heard",
            "What warn itself raises an alert for: deaf, cut off by whoever runs it, or bringing old things only.",
            "short",
            (("max by (source, state) (warn_source_silent{@})", "{{source}}: {{state}}"),),
            12,
            ((0, GREEN), (1, RED)),
            ((0, "heard", GREEN), (1, "not heard", RED)),
        ),
        Panel(
            "lines",
            "Since the last canary and heartbeat",
            "A canary goes through everything each minute; then the outside monitors are told. Four minutes without: they "
            "ring.",
            "s",
            (
                ("time() - max(warn_canary_last_timestamp_seconds{@})", "canary"),
                (
                    "time() - max by (monitor) (warn_heartbeat_last_success_timestamp_seconds{@})",
                    "monitor {{monitor}}",
                ),
            ),
            12,
        ),
    ),
)
