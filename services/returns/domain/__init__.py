"""What returns decides. `state.py` first: a purchase remembers what was handed over, where and when."""
