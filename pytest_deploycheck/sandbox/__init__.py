"""The demo stack: a real Prometheus and Alertmanager, a demo service on loopback, switches to break them."""
