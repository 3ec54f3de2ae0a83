"""Files of models: fastnn's own, and which format a file is of."""
