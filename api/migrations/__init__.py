"""The database's shape, step by step: each file in `versions` is one step, and none is changed once it was released."""
