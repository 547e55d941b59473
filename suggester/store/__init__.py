"""The review store: the only owner of SQL."""
