"""What a replay made of the books: gathered once, shown as tables, as JSON and as a page."""
