"""What takes longer than the tests of every day: ``make full``."""
