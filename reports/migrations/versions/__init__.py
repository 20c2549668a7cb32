"""One module for each revision of the store, in the order of their `revision`."""
