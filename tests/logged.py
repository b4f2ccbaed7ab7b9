"""What is logged, as programs read it."""

import io
import json
from typing import Any


class Lines(io.StringIO):
    """A stream of JSON lines."""

    def since(self, mark: int) -> list[dict[str, Any]]:
        """The lines that came after so many characters."""
        return [json.loads(line) for line in self.getvalue()[mark:].splitlines()]

    def read_all(self) -> list[dict[str, Any]]:
        """All lines."""
        return self.since(0)
