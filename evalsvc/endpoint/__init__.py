"""From a Request to what the server made of it: transport, one parser per API, and the error table.

Nothing is imported here: the HTTP client is slow to import, and the nouns of `answer.py` must come without it.
"""
