"""The observer: a client outside the stack that loads it, keeps the ledger of what it acknowledged, and what is checked against it."""
