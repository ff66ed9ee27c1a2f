"""A region file for a new place: what lies in a folder, what it is, and what is missing."""
