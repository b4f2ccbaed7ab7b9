"""What fulfilment decides. `state.py` first: every decision moves pieces between its buckets."""
