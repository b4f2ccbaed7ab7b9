"""What can be known of `docker-compose.yml` without Docker: its settings, commands and metrics are Tekil's."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from services.cli import app
from services.registry import NAMES, all_services
from services.running import port_of
from shared.engine.metrics import Metrics
from shared.runtime.settings import VARIABLE_PREFIX, Settings

CHECKOUT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("tekil:")]
DASHBOARD = json.loads((CHECKOUT / "deploy" / "dashboards" / "tekil.json").read_text())
QUICK_S = 0.1
DOCKERFILE = (CHECKOUT / "deploy" / "Dockerfile").read_text()


def test_all_five_services_are_there_and_two_that_prepare() -> None:
    assert set(OURS) == {*NAMES, "migrate", "topics"}
    assert [SERVICES[name]["command"] for name in OURS] == [
        *(["run", name] for name in NAMES), ["migrate"], ["topics", "apply"],
    ]  # fmt: skip


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_that_only_lacks_its_servers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEKIL_KAFKA", raising=False)
    monkeypatch.delenv("TEKIL_POSTGRES", raising=False)
    ended = CliRunner().invoke(app, SERVICES[name]["command"])
    assert ended.exit_code == 2
    assert re.search(r"set TEKIL_\w+|needs TEKIL_KAFKA and TEKIL_POSTGRES", ended.output)


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    known = {VARIABLE_PREFIX + setting.upper() for setting in Settings.model_fields}
    used = {variable for variable in SERVICES[name]["environment"] if variable.startswith(VARIABLE_PREFIX)}
    assert used <= known
    assert {"TEKIL_KAFKA", "TEKIL_POSTGRES", "TEKIL_PICKUP_SECRET"} <= used
    assert set(re.findall(rf"{VARIABLE_PREFIX}\w+", DOCKERFILE)) <= known


def test_where_cores_are_short_who_answers_a_customer_goes_first() -> None:
    settings = Settings()
    waited_for = {service.name for service in all_services(settings) if service.batch_interval_s < QUICK_S}
    assert {name: SERVICES[name].get("cpu_shares") for name in NAMES} == {
        name: None if name in waited_for else 128 for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_service_is_asked_for_its_health_where_it_listens(name: str) -> None:
    port = port_of(name, Settings())
    assert "HEALTHCHECK" in DOCKERFILE
    assert "HEALTH_URL" in DOCKERFILE
    assert SERVICES[name]["environment"]["HEALTH_URL"] == f"http://127.0.0.1:{port}/readyz"
    assert SERVICES[name]["ports"] == [f"127.0.0.1:{port}:{port}"]


@pytest.mark.parametrize("name", NAMES)
def test_no_service_starts_before_its_tables_and_topics_are_there(name: str) -> None:
    finished = {"condition": "service_completed_successfully"}
    assert SERVICES[name]["depends_on"] == {"migrate": finished, "topics": finished}
    for preparing, server in (("migrate", "postgres"), ("topics", "kafka")):
        assert SERVICES[preparing]["depends_on"] == {server: {"condition": "service_healthy"}}
        assert "test" in SERVICES[server]["healthcheck"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_and_every_port_stays_on_this_machine(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert re.match(r"v?\d", tag)
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@pytest.mark.parametrize("name", SERVICES)
def test_every_file_that_is_mounted_is_there(name: str) -> None:
    mounted = [each.split(":")[0] for each in SERVICES[name].get("volumes", ()) if each.startswith("./")]
    assert all((CHECKOUT / each).is_file() for each in mounted)


def test_the_role_that_services_use_is_made_by_a_program_that_may_run() -> None:
    script = CHECKOUT / "deploy" / "postgres" / "create-role.sh"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["/bin/sh", "-n", script], check=False).returncode == 0


def test_prometheus_asks_every_service() -> None:
    configuration = yaml.safe_load((CHECKOUT / "deploy" / "otel" / "prometheus.yaml").read_text())
    [job] = configuration["scrape_configs"]
    assert job["static_configs"] == [
        {"targets": [f"{name}:{port_of(name, Settings())}"], "labels": {"service": name}} for name in NAMES
    ]


def test_traces_go_by_the_collector_to_jaeger() -> None:
    collector = yaml.safe_load((CHECKOUT / "deploy" / "otel" / "collector.yaml").read_text())
    port = collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"].rpartition(":")[2]
    assert SERVICES["order"]["environment"]["TEKIL_OTLP_ENDPOINT"] == f"http://collector:{port}"
    assert collector["exporters"]["otlp"]["endpoint"].partition(":")[0] in SERVICES
    assert collector["service"]["pipelines"]["traces"]["exporters"] == ["otlp"]


def test_the_dashboard_asks_for_metrics_that_are() -> None:
    known = {sample.name for metric in Metrics("order").registry.collect() for sample in metric.samples}
    known |= {metric.name for metric in Metrics("order").registry.collect()} | {"tekil_database_answering"}
    known |= {f"{name}{ending}" for name in known for ending in ("_bucket", "_total")}
    asked = {
        name
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\btekil_\w+", target["expr"])
    }
    assert len(asked) > 10
    assert asked <= known


def test_every_panel_is_a_question_that_is_explained() -> None:
    for panel in DASHBOARD["panels"]:
        assert panel["title"].endswith("?")
        assert panel["description"].endswith(".")
