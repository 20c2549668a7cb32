"""Stand-in programs, each its own process. Imports nothing else of ours."""
