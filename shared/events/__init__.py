"""The published language: every event type, one module a topic. Start with `catalogue.py`."""
