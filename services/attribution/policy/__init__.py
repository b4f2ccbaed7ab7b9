"""Attribution policies as people write them: files and documents. The policy as a value is `domain/policy.py`."""
