"""The parts of `eafix-cli`, the platform's own command: each answer comes from the stack, each verb acts on it."""
