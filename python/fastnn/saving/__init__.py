"""Model files: fastnn's own format, and the choice of the reader for a file."""
