"""Readers and checks of real inputs, and emissions feature by feature."""
