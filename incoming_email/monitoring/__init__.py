"""Whether mail flows: the check, health and metrics, alerts, statistics, probes."""
