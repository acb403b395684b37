"""journal -> Summary: incremental, in bounded memory, away from the event loop."""
