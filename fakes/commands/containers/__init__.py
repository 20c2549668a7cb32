"""The parts of the `docker` stand-in: the stack seen as the containers of one compose project."""
