"""Tracing: the service about the engine, its pages and its API."""
