"""What if: urban form, measures by sector, and what they would change, cell by cell."""
