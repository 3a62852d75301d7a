"""The one way out for every byte: time limits, TLS, credentials, retries, a size limit, redaction and the tape."""
