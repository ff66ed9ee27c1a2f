"""Fuzz targets, one for each parser of ours; `python -m fuzz` lists them."""
