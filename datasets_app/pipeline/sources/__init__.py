"""Where code comes from: each source turns itself into repositories and their files."""
