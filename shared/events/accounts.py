"""The accounts of the stock book that are no location: whoever pieces come from and go to."""

CUSTOMER, SUPPLIER, ADJUSTMENT = "customer", "supplier", "adjustment"
RESERVED = frozenset({CUSTOMER, SUPPLIER, ADJUSTMENT})
"""Names that no location and no cost centre may have."""
