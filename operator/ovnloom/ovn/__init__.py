"""The words of OVN: names of rows, match expressions, and the northbound schema. Pure; talks to nothing."""
