"""Tracing: which stretches of a text stand word for word in what was published, and where they come from.

Plain Python: no Django, no Celery. It reads published shards alone (:mod:`datasets_app.pipeline.format`) and runs by itself:
``python -m datasets_app.tracing --help``.
"""
