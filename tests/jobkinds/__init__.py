"""Kinds of job that the tests of the ground floor run in real processes."""
