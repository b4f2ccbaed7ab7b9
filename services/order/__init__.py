"""The order service: takes orders on, and decides what becomes of every piece of every line."""
