"""The open carbon map: the front door that ties the rooms together (importing it alone imports no other room)."""

__version__ = "0.1.0"
