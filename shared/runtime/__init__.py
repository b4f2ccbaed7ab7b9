"""The parts that start, find and configure real servers."""
