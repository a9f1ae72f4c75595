"""Every change on the data floor: one callable each, with its permission, transaction, audit row and after-commit work."""
