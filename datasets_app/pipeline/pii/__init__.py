"""Personal data and secrets in source code: where they are (spans), and text without them (redaction).

Spans are computed once a blob from its bytes alone, as the attribute family ``pii``; a build redacts by them.
"""
