"""warn on real Kafka, measured against a bare loop over the same broker in the same run: `python -m benchmarks.kafka`."""
