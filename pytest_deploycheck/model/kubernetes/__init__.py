"""What Kubernetes answers, as frozen data under the names of its API, decoded straight from the bytes.

Only what is judged is declared: the decoder passes over the rest. Zero counters are absent in the answers, hence the
defaults. Times are aware datetimes.
"""
