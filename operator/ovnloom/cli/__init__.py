"""The command line: each command is thin, and what it computes is computed elsewhere."""
