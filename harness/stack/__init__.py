"""The stack under drill: real datastores, fake services, and a Toxiproxy proxy for each link."""
