"""Detection by the real Prometheus and Alertmanager: the same rules in wall time, put back on the documented axis."""
