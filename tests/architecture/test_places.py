"""The project stands by itself: it names no machine's folders, and of the network's hosts only these."""

import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import Source, texts

HOSTS = {
    "cloudevents.io",
    "github.com",
    "json-schema.org",
    "keepachangelog.com",
    "maven.apache.org",  # A name of a format, which nobody asks.
    "opencollective.com",  # Whom to thank for a package, in npm's lock.
    "semver.org",
    "www.apache.org",  # In the text of the licence.
    "www.w3.org",  # A name of a format, which nobody asks.
}
HOST = re.compile(r"\b[a-z][a-z+]*://(?:[^\s/@\"'`]*@)?([\w-]+(?:\.[\w-]+)*\.[a-z]{2,})\b", re.IGNORECASE)
FOLDER = re.compile(r"(?<![\w.~$}])/(?:root|home|work|Users)/\w*")


def foreign(source: Source) -> Iterator[str]:
    """Yield hosts that may not be named, and folders that only some machine has."""
    yield from (f"{source.path}: {host}" for host in HOST.findall(source.text) if host not in HOSTS)
    yield from (f"{source.path}: {folder}" for folder in FOLDER.findall(source.text))


def test_the_project_names_no_place_that_it_should_not() -> None:
    assert [each for source in texts() for each in foreign(source)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https:~//github.com/x and http:~//127.0.0.1:8080, http:~//collector:4318", []),
        ("--index-url https:~//simple.packages.example/x", ["simple.packages.example"]),
        ("https:~//user:word@mirror.example:8443", ["mirror.example"]),
        ("cd /~home/somebody/tekil", ["/~home/somebody"]),
        ("tests/~work/x or ${HOME}/~work/x", []),
    ],
)
def test_a_place_that_it_should_not_name_is_seen(text: str, found: list[str]) -> None:
    """The texts have a ~ in them so that this file names no such place itself."""
    seen = foreign(Source("a.md", text.replace("~", "")))
    assert list(seen) == [f"a.md: {each.replace('~', '')}" for each in found]
