"""The machine that every service is: poll, claim, load, decide, save, publish. `batch.py` is its heart."""
