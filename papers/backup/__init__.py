"""A backup: one file that holds the whole house, told whole from broken by its own hashes; and the way back from it."""
