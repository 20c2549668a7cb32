"""Reads histories, never drills."""
