"""Benchmarks: one command per question, `python -m bench QUESTION` (docs/performance.md)."""
