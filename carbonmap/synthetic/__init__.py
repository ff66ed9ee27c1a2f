"""The synthetic demo city: every input file of a made-up region, drawn from a seed."""
