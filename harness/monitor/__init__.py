"""Detection: scrapes the stack, evaluates Prometheus alert rules as Prometheus does, and pages."""
