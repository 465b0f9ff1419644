"""What is shipped for those who write a connector, a detector, a notifier or a bus: the suite of its kind."""
