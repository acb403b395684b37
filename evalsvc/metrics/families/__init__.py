"""Metrics beyond the count table, one family per file: what each wants to know of a row, and what the sums come to."""
