"""An edition as files for other programs: one module per format, and the documents that belong beside numbers."""
