"""The choices that must be remembered: which address, which MAC. Pure: a choice is a value that the engine saves."""
