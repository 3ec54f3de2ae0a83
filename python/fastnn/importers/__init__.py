"""Models trained elsewhere: one file for each source, which makes the steps that ``steps.py`` makes a model of."""
