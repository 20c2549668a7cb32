"""The container engine's side of a drill: creates or finds its containers, acts on them for the conductor, removes them."""
