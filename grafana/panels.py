"""What the dashboard shows: seven questions, and the panels that answer them."""

from grafana.panel import GREEN, RED, YELLOW, Panel, Row, increase, rate, slowest
from grafana.silence import SILENCE

BURNING = Row(
    "Is anything burning?",
    4,
    (
        Panel(
            "number",
            "Open incidents",
            "Incidents that nobody has closed. What they are about is on warn's own page.",
            "short",
            (("max(warn_incidents_open{@})", "open"),),
            4,
            ((0, GREEN), (1, RED)),
        ),
        Panel(
            "number",
            "Nobody told yet",
            "Notifications decided and accepted by nobody. More than 0 for a minute: ring the person on call.",
            "short",
            (("max(warn_outbox_undelivered{@})", "undelivered"),),
            4,
            ((0, GREEN), (1, RED)),
        ),
        Panel(
            "number",
            "Connectors not reading",
            "Connectors that back off or stopped. Below you see which, and why.",
            "short",
            (("count(warn_connector_up{@} == 0) or vector(0)", "not reading"),),
            4,
            ((0, GREEN), (1, YELLOW)),
        ),
        Panel(
            "number",
            "Detection is behind by",
            "Age of the last clock that detect worked through. Above a minute pages come late: look at lag.",
            "s",
            (('time() - max(warn_stage_last_clock_timestamp_seconds{@, stage="detect"})', "behind"),),
            4,
            ((0, GREEN), (15, YELLOW), (60, RED)),
            nothing="no clock yet",
        ),
        Panel(
            "number",
            "Rule files",
            "Refused: the files have mistakes and the last good set is in force; run `warn rules check`.",
            "short",
            (("min(warn_rules_last_reload_successful{@})", "rule files"),),
            4,
            ((0, RED), (1, GREEN)),
            ((0, "refused", RED), (1, "in force", GREEN)),
        ),
        Panel(
            "number",
            "Disk free",
            "Where the store lies. Intake stops at 512 MB, so that pages can still be written down.",
            "bytes",
            (("min(warn_disk_free_bytes{@})", "free"),),
            4,
            ((0, RED), (2e9, YELLOW), (10e9, GREEN)),
            nothing="not known",
        ),
    ),
)

SAID = Row(
    "What is said, and what warn makes of it",
    8,
    (
        Panel(
            "lines",
            "Mentions by source",
            "Mentions that match took in. A source that stops is a connector to look at, not a quiet day.",
            "cps",
            ((rate("warn_mentions_total", "source"), "{{source}}"),),
        ),
        Panel(
            "lines",
            "What became of them",
            "Matched: counted for a topic. Repeats are dropped by design; many late ones mean a slow source.",
            "cps",
            (
                (rate("warn_matched_total"), "matched"),
                (rate("warn_repeats_total"), "repeats"),
                (rate("warn_late_total"), "late"),
            ),
        ),
        Panel(
            "lines",
            "Alerts and incidents",
            "Events of alerts (the machine's) and of incidents (the people's) in the interval.",
            "short",
            (
                (increase("warn_alerts_total", "kind"), "alert {{kind}}"),
                (increase("warn_incidents_total", "event"), "incident {{event}}"),
            ),
        ),
    ),
)

HEARS = Row(
    "Does warn hear?",
    8,
    (
        Panel(
            "states",
            "Connectors",
            "When each connector was reading. A gap is a time in which warn was deaf to that source.",
            "short",
            (("min by (connector) (warn_connector_up{@})", "{{connector}}"),),
            6,
            ((0, RED), (1, GREEN)),
            ((0, "not reading", RED), (1, "reading", GREEN)),
        ),
        Panel(
            "lines",
            "Since anything came",
            "Time since a connector last brought anything. Compare with what is usual for that source.",
            "s",
            (
                (
                    "time() - max by (connector) (warn_connector_last_event_timestamp_seconds{@})",
                    "{{connector}}",
                ),
            ),
            6,
        ),
        Panel(
            "lines",
            "At the door",
            "Items read, let through, and dropped by reason. warn carries mentions of its brands, not the world.",
            "cps",
            (
                (rate("warn_connector_items_total"), "read"),
                (rate("warn_door_published_total"), "let through"),
                (rate("warn_door_dropped_total", "reason"), "dropped: {{reason}}"),
                (rate("warn_pushes_total", "outcome"), "calls to us: {{outcome}}"),
            ),
            6,
        ),
        Panel(
            "lines",
            "Connector failures and gaps",
            "Failures by reason, and seconds lost for good. auth: renew the key. rate_limited: poll less.",
            "short",
            (
                (increase("warn_connector_errors_total", "connector", "reason"), "{{connector}}: {{reason}}"),
                (increase("warn_connector_gap_seconds_total", "connector"), "{{connector}}: seconds lost"),
            ),
            6,
        ),
    ),
)

KEEPS_UP = Row(
    "Does it keep up?",
    8,
    (
        Panel(
            "lines",
            "Lag",
            "Records not yet worked through, per stage and partition. It should touch 0 every second.",
            "short",
            (("max by (stage, partition) (warn_stage_lag_records{@})", "{{stage}}/{{partition}}"),),
            6,
        ),
        Panel(
            "lines",
            "Step, 99th percentile",
            "From having a batch to its commit. Above 6 s a step is overdue: the disk or the machine is too slow.",
            "s",
            ((slowest("warn_stage_step_seconds", "stage"), "{{stage}}"),),
            6,
        ),
        Panel(
            "lines",
            "Records and judgements",
            "Records of input worked through per stage, and judgements of rules.",
            "cps",
            (
                (rate("warn_stage_records_total", "stage"), "{{stage}}"),
                (rate("warn_evaluations_total"), "judgements"),
            ),
            6,
        ),
        Panel(
            "lines",
            "Worker trouble and dead letters",
            "Failed steps, lost seats, waits for a configuration, and input put aside.",
            "short",
            (
                (increase("warn_worker_failures_total", "stage", "reason"), "{{stage}} failed: {{reason}}"),
                (increase("warn_worker_fences_total", "stage"), "{{stage}} fenced"),
                ("sum by (stage) (warn_stage_stalled{@})", "{{stage}} waits for a configuration"),
                (increase("warn_dead_letters_total", "stage", "reason"), "{{stage}} put aside: {{reason}}"),
                (increase("warn_unreadable_total"), "unreadable"),
                (increase("warn_evicted_total"), "evicted"),
            ),
            6,
        ),
    ),
)

PAGES = Row(
    "Can it page?",
    8,
    (
        Panel(
            "lines",
            "Deliveries",
            "Attempts by notifier and outcome, and why they failed. `refused` is not tried again there.",
            "short",
            (
                (increase("warn_deliveries_total", "notifier", "outcome"), "{{notifier}}: {{outcome}}"),
                (
                    increase("warn_deliveries_failed_total", "notifier", "reason"),
                    "{{notifier}} failed: {{reason}}",
                ),
            ),
        ),
        Panel(
            "lines",
            "Delivery, 99th percentile",
            "How long an attempt took. A slow pager is one to have a second beside.",
            "s",
            ((slowest("warn_delivery_seconds", "notifier"), "{{notifier}}"),),
        ),
        Panel(
            "lines",
            "What respond decided",
            "Notifications by what became of them before any pager saw them.",
            "short",
            ((increase("warn_notifications_total", "outcome"), "{{outcome}}"),),
        ),
    ),
)

KAFKA = Row(
    "Is anything lost on Kafka?",
    6,
    (
        Panel(
            "lines",
            "Kafka: proof that nothing is lost",
            "All of it stays at 0. A gap is records that were committed and are not there; an overlap is a step that was "
            "done twice; hanging is a transaction that no broker decides (docs/kafka.md).",
            "short",
            (
                (increase("warn_bus_gap_total", "topic"), "{{topic}} gap"),
                (increase("warn_bus_overlap_total", "topic"), "{{topic}} overlap"),
                ("sum by (stage) (warn_bus_hanging{@})", "{{stage}} hanging"),
                ("sum by (stage) (warn_bus_input_held_up{@})", "{{stage}} input held up"),
                (increase("warn_bus_leaks_total"), "clients that would not end"),
            ),
            12,
        ),
    ),
)

PROCESS = Row(
    "The process",
    7,
    (
        Panel(
            "lines",
            "Log lines that matter",
            "Warnings and errors, and failed requests. Each has an event name: search the log for it.",
            "short",
            (
                (increase("warn_log_events_total", "level", only='level!~"debug|info"'), "{{level}}"),
                (increase("warn_http_errors_total", "route", "reason"), "web {{route}}: {{reason}}"),
            ),
        ),
        Panel(
            "lines",
            "Processor",
            "Cores in use. One process can use one, and a little more where libraries do.",
            "short",
            ((rate("process_cpu_seconds_total", "instance"), "{{instance}}"),),
        ),
        Panel(
            "lines",
            "Memory",
            "Resident memory. It levels off when every topic has been seen.",
            "bytes",
            (("max by (instance) (process_resident_memory_bytes{@})", "{{instance}}"),),
        ),
    ),
)

ROWS = (BURNING, SAID, HEARS, SILENCE, KEEPS_UP, PAGES, KAFKA, PROCESS)
