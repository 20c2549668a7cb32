"""People respond: what they tell the drill from any terminal, the shell that they type the runbook's commands into, and what of it is recorded."""
