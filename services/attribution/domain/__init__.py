"""What attribution decides. A message's way: `place` or `collect`, `recognise`, `booking`, the three books."""
