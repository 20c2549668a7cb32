"""Ways to hurt a stack. Each has the verbs `inject` and `heal`, both safe to repeat, and tells whether it bit."""
