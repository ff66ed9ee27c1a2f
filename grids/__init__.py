"""Grids: cells, zones, hexagons, exact shares, totals, disclosure, the edition on disk and tile bytes."""
