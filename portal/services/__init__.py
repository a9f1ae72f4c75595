"""Every change in the portal: one callable each, with its permission, transaction, audit row and after-commit work."""
