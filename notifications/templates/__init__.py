"""What messages say, one file a language."""
