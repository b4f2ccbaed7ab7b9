"""Pure decisions about orders. Start with `state.py`, then read the verbs."""
