"""Answers a page: the operator's workstation, the shell in which a runbook's commands run, and the automatic responder."""
