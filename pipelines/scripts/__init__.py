"""Script lists: tables with one row for each clip that is to be rendered."""
