"""Inventory: what is on the shelf, for whom it is kept, and what may still be promised."""
