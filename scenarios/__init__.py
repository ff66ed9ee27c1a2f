"""Scenarios: what changes if a city's form or its measures change, the best mix of measures, and where to act."""
