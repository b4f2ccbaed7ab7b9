"""The commands of `tekil`, one module a family. They compose services; they decide nothing."""
