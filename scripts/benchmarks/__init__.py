"""What scripts/bench is made of: a stub server, a bare client, the measured command line, and the table of cases."""
