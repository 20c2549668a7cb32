"""The migrations of the store, carried out by `reports.store_engine` whenever one is opened that is not at the newest."""
