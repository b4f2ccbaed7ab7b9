"""Pure decisions about stock: one verb, or family of verbs, a file."""
