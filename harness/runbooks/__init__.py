"""Carries the procedures of runbooks out, each in a sandbox of its own, records what happens, and judges it afterwards."""
