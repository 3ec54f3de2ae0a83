"""Models trained elsewhere: a module or folder for each source, which makes the steps ``steps.py`` makes a model of."""
