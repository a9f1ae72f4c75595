"""The zoo's pages."""
