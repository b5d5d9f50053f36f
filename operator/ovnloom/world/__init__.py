"""What the cluster says now: typed tables, indexes over them, and who read what."""
