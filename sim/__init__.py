"""The same scenarios in virtual time: one night as a history like a live drill's, or ten thousand nights as columns."""
