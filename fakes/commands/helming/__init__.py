"""The parts of the `helm` stand-in: charts and their templates, values, releases with their revisions, and the verbs."""
