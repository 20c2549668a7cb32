"""The parts of the `kubectl` stand-in: the stack seen as a cluster, and the verbs that read and change it."""
