"""The EAFIX services, the parties outside the platform, and the exporter: one module a program, each with `main(config)`."""
