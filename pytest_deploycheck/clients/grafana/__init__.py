"""Grafana: what it knows, and what its panels really show."""
