"""Returns: what customers took home, and so what may come back."""
