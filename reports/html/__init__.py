"""Self-contained pages: what they are made of."""
