"""Thin commands, one file a group: read the arguments, call one function, print."""
