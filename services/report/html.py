"""HTML by calls, so that nothing is ever put into a page unescaped."""

from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str | int | float | None) -> Markup:
    """Return an element. Children that are not Markup are escaped, and so is what attributes say.

    A trailing underscore of an attribute is dropped, another becomes a hyphen; without a value it is left out.

    >>> element("p", "a < b", class_="note", data_x=1)
    '<p class="note" data-x="1">a &lt; b</p>'
    """
    stated = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{stated}>{joined(*children)}</{name}>")


def joined(*children: str) -> Markup:
    """Return children in a row, escaped where they are not Markup."""
    return Markup("".join(child if isinstance(child, Markup) else escape(child, quote=False) for child in children))
