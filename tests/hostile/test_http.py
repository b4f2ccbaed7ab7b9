"""Hostile requests at the HTTP of all five services: every answer is one that its OpenAPI describes.

Schemathesis draws them from the OpenAPI documents: what fits, what does not fit, and what lies at the bounds.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from services.members import Served
from services.mesh import Mesh, running
from services.registry import NAMES, all_services
from services.running import servers
from shared.events.samples import STORY
from shared.runtime.http_server import listen, serving
from shared.runtime.settings import Settings
from tests.contract.story import PICKUP_SECRET

EXAMPLES = int(os.environ.get("TEKIL_FUZZ_EXAMPLES", "5"))
"""Drawn for each operation, apart from those that cover what its description bounds."""
TOKEN = "a token for hostile requests"
KNOWN_IDS = Path(__file__).with_name("schemathesis.toml")
FOUND = {
    "order": "/v1/orders/W-1042",
    "inventory": "/v1/reservations/W-1042",
    "fulfilment": "/v1/fulfilments/W-1042",
    "returns": "/v1/orders/W-1042/returnable",
    "attribution": "/v1/orders/W-1042/explanation",
}
"""What each service knows once the story is told."""

CANNOT_HOLD = {"order": "use_after_free,positive_data_acceptance"}
"""Checks that cannot hold: nothing is ever deleted, and what an event must be, OpenAPI cannot say in full."""

Urls = Mapping[str, str]


@pytest.fixture
async def urls(kafka: str, postgres: str, topic_prefix: str) -> AsyncIterator[Urls]:
    """All five services as they serve, with the story of the samples behind them."""
    settings = Settings(
        kafka=kafka,
        postgres=SecretStr(postgres),
        topic_prefix=topic_prefix,
        postgres_prefix=topic_prefix.strip(".").replace("-", "_") + "_",
        pickup_secret=SecretStr(PICKUP_SECRET.decode()),
        intake_token=SecretStr(TOKEN),
    )
    async with AsyncExitStack() as stack:
        addresses = await stack.enter_async_context(servers(settings))
        found = {}
        for service in all_services(settings):
            served = Served(service, settings, bootstrap=addresses.bootstrap, postgres=addresses.postgres)
            await served.start()
            stack.push_async_callback(served.stop)
            found[service.name] = await stack.enter_async_context(serving(served.app, listen("127.0.0.1", 0)))
        mesh = Mesh(settings, bootstrap=addresses.bootstrap, postgres=addresses.postgres, members=0)
        await tell_the_story(found["order"], await stack.enter_async_context(running(mesh)))
        yield found


async def tell_the_story(url: str, mesh: Mesh) -> None:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/cloudevents+json"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        for line in STORY.read_text(encoding="utf-8").splitlines():
            if line.startswith("{") and '"source": "/tekil/' not in line:
                assert (await client.post("/v1/events", content=line)).status_code == 202
                await mesh.settle()


async def test_whatever_is_asked_is_answered_as_described_whether_there_is_something_to_find_or_not(
    urls: Urls, tmp_path: Path
) -> None:
    async with httpx.AsyncClient() as client:
        for service, path in FOUND.items():
            assert (await client.get(urls[service] + path)).status_code == 200, service
    asked = [ask(name, urls[name], known=known, notes=tmp_path) for known in (True, False) for name in NAMES]
    reports = await asyncio.gather(*asked)
    if found := [report for status, report in reports if status != 0]:
        pytest.fail("\n".join(found))


async def ask(name: str, url: str, *, known: bool, notes: Path) -> tuple[int, str]:
    """Ask all that a service's OpenAPI allows and much that it does not; return the exit status and the report.

    With known ids, everything that bounds a parameter is covered; with others, there is mostly nothing to find.
    What Schemathesis keeps for itself goes to `notes`.
    """
    asking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
        *(("--config-file", str(KNOWN_IDS)) if known else ()),
        *("run", f"{url}/openapi.json", "--checks", "all", "--exclude-checks", CANNOT_HOLD.get(name, "use_after_free")),
        *("--phases", "coverage,fuzzing" if known else "fuzzing", "--max-examples", str(EXAMPLES), "--seed", "1"),
        *("--header", f"Authorization: Bearer {TOKEN}", "--warnings", "off", "--no-color"),
        *("--generation-database", "none"),
        cwd=notes,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    report, _ = await asking.communicate()
    requests = sum(int(number) for number in re.findall(rb"(\d+) generated", report))
    print(f"{name}, {'known' if known else 'unknown'} ids: {requests:,} requests")  # noqa: T201 - for `make fuzz`
    return asking.returncode or 0, report.decode()
