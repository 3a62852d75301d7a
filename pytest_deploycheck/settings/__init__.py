"""`deploycheck.toml` as frozen, typed settings; secrets are references until somebody sends them."""
