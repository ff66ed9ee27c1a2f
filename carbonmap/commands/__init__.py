"""Verbs of the command line: each asks the module that does the work, and says what it did."""
