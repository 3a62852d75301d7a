"""The client of Kubernetes's API: the official library's ways in, and fast readers of what is judged."""
