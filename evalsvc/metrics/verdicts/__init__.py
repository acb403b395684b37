"""What a run's numbers would hide on their own, found and put into words: one file for each thing that can be wrong."""
