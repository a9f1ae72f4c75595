"""Proof of removal: the evidence before, the check after, the receipt, and the script that tests it without us."""
