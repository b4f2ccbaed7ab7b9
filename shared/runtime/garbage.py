"""Garbage collection in a process that serves."""

import gc

YOUNG_MAX = 50_000
"""Objects that are made before the young ones are looked at: about as many as a large batch of records makes."""


def look_seldom() -> None:
    """Let the garbage collector look less often, and no more at what is there now.

    By default it looks at the young after 700 objects: dozens of times in a batch, all of whose messages live until its
    end. What a batch leaves is freed by its reference counts; the collector is for what went wrong.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX)
