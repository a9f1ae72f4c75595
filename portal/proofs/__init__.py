"""Ways to prove that an account is one's own."""
