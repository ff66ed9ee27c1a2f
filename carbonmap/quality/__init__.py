"""The quality report of an edition: what it covers, how its numbers were had, and what would make them surer."""
