"""What each version of Postgres has and has not: columns of system views, functions, settings. Data, held against real servers in tests."""
