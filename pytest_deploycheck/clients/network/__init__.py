"""Names, ports and TLS servers, as this machine sees them."""
