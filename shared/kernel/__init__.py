"""Values: money, ids and decisions. Nothing here knows of a service, a clock, a database or a bus."""
