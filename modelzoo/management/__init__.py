"""The zoo on the command line."""
