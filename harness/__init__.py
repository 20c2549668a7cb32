"""Carries a scenario out for real: sandbox, stack, faults, monitor, responder, workload, and the history they leave."""
