"""The northbound database: what it says, what should be there, the plan between the two, and its writer."""
