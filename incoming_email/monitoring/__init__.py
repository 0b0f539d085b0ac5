"""Whether mail flows: the check, health and metrics, alerts, figures, probes."""
