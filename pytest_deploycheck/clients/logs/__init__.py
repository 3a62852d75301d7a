"""Logs: lines from files, programs and log stores, unwrapped, validated and counted as they stream by."""
