"""What scripts/torture does: runs that are disturbed at random until they complete, and held against ones that were left alone.

launching.py      a command, and how it ended
rounds.py         a round, drawn from its seed: data, task, server, disturbances
disturbances.py   a launch under each kind of disturbance
play.py           a round played, and what came of it
every.py          the same with a kill at every operation, one after the other
"""
