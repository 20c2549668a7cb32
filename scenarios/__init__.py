"""What to rehearse: typed models and loader of scenarios, stacks, targets, alert rules and runbooks; and the catalogue as data."""
