"""What must exist for one owner, as a value: pure functions, one file a kind."""
