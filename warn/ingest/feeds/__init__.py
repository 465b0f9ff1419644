"""Feeds: RSS, RDF and Atom from strangers, read in a process of its own that may be killed."""
