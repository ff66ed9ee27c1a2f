"""HTTP over a store of editions: regions, collections, items, tiles, and the web map's files."""
