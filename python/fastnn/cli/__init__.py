"""The command line: main.py has the commands, the other modules their parts."""
