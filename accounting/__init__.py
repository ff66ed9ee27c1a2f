"""Arithmetic of the carbon map: units, factors, assumptions, activity to emissions, uncertainty; no geometry."""
