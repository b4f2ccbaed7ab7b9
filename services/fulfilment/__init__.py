"""Fulfilment: the stores' work on an order, from picking to handing over, and its deadlines."""
