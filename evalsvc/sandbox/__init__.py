"""A local OpenAI-compatible server with a real small model, an echo and scripted faults.

A stranger to the house: it imports nothing of evalsvc and knows only OpenAI's wire format. `settings.py` says what can
be asked of it, `faults.py` which faults it can play, `server.py` how a call flows, `embed.py` runs it as a child process.
"""
