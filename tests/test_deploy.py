"""Recipes to deploy by: they follow the letter of their formats, and speak of settings that there are."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from api.settings import Settings, database_beside, database_url_of
from grids.exports.shelf import shelf_beside

TOOLS = Path(sys.executable).parent


def run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_is_as_its_linter_wants_it(project: Path) -> None:
    run(TOOLS / "hadolint", project / "Dockerfile")


def test_the_syntax_is_named_where_it_is_read(project: Path) -> None:
    """BuildKit looks for directives before the first line that is none, be it a comment."""
    first = (project / "Dockerfile").read_text("utf-8").splitlines()[0]
    assert re.fullmatch(r"# syntax=docker/dockerfile:\d\S*", first)


def test_compose_follows_its_schema(project: Path) -> None:
    run(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", project / "compose.yaml")


def test_containers_are_reached_from_this_machine_only(project: Path) -> None:
    services = yaml.safe_load((project / "compose.yaml").read_text("utf-8"))["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_database_is_reached_by_the_program_only(project: Path) -> None:
    compose = yaml.safe_load((project / "compose.yaml").read_text("utf-8"))
    services = compose["services"]
    assert "ports" not in services["database"]
    assert services["database"]["networks"] == ["inside"]
    assert compose["networks"]["inside"]["internal"] is True
    assert "healthcheck" in services["database"]
    assert services["upgrade"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert "depends_on" not in services["map"], "what is public is served without a database"


def test_passwords_come_from_files_and_stand_in_no_recipe(project: Path) -> None:
    compose = yaml.safe_load((project / "compose.yaml").read_text("utf-8"))
    for name, service in compose["services"].items():
        environment = service["environment"]
        named = [variable for variable in environment if "PASSWORD" in variable]
        assert named, name
        for variable in named:
            assert variable.endswith("_FILE")
            secret = environment[variable].removeprefix("/run/secrets/")
            assert secret in service["secrets"]
            assert set(compose["secrets"][secret]) == {"file"}
    url = database_url_of(
        Settings(store=project, database_url=environment_of(compose, "map")["CARBONMAP_DATABASE_URL"])
    )
    assert (url.password, url.host) == (None, "database")
    assert url.username == environment_of(compose, "database")["POSTGRES_USER"]
    assert url.database == environment_of(compose, "database")["POSTGRES_DB"]
    proxies = environment_of(compose, "map")["FORWARDED_ALLOW_IPS"]
    assert proxies == "${FORWARDED_ALLOW_IPS:-127.0.0.1}", "nobody is believed unless the operator says so"
    ignored = (project / ".gitignore").read_text("utf-8").split()
    assert "/secrets/" in ignored
    assert "secrets" in (project / ".dockerignore").read_text("utf-8").split()


def environment_of(compose: Any, service: str) -> dict[str, str]:
    found: dict[str, str] = compose["services"][service]["environment"]
    return found


def test_all_that_a_container_writes_stands_in_its_volume(project: Path) -> None:
    text = (project / "Dockerfile").read_text("utf-8")
    [store] = re.findall(r"CARBONMAP_STORE=(\S+)", text)
    [volume] = re.findall(r"^VOLUME (\S+)$", text, re.MULTILINE)
    for written in (Path(store), shelf_beside(Path(store)), database_beside(Path(store))):
        assert written.is_relative_to(volume)
    compose = yaml.safe_load((project / "compose.yaml").read_text("utf-8"))
    assert f"data:{volume}" in compose["services"]["map"]["volumes"]


def test_systemd_takes_the_unit(project: Path, tmp_path: Path) -> None:
    text = (project / "deploy" / "carbonmap.service").read_text("utf-8")
    sections = re.findall(r"^\[(\w+)\]$", text, re.MULTILINE)
    assert sections == ["Unit", "Service", "Install"]
    if not shutil.which("systemd-analyze"):  # a machine without systemd cannot be asked for more
        return
    unit = tmp_path / "carbonmap.service"
    # It looks whether the program is there.
    unit.write_text(text.replace("/opt/carbonmap/bin/carbonmap", sys.executable), "utf-8")
    run("systemd-analyze", "verify", unit)


def test_the_page_names_every_setting(project: Path) -> None:
    page = (project / "docs" / "deploy.md").read_text("utf-8")
    rows = {
        name
        for line in page.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert rows == set(Settings.model_fields)


def test_the_page_says_what_there_is_without_a_setting(project: Path) -> None:
    page = (project / "docs" / "deploy.md").read_text("utf-8")
    for name, field in Settings.model_fields.items():
        if (
            isinstance(field.default, int | float)
            and not isinstance(field.default, bool)
            and not name.startswith("export")
        ):
            row = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
            assert f"{field.default:,g}".replace(".0", "") in row or f"{field.default:,}" in row


def test_variables_in_the_recipes_are_settings(project: Path) -> None:
    known = {f"CARBONMAP_{name.upper()}" for name in Settings.model_fields} | {"CARBONMAP_SETTINGS"}
    for name in ("Dockerfile", "compose.yaml", "deploy/carbonmap.service"):
        named = set(re.findall(r"CARBONMAP_[A-Z_]+", (project / name).read_text("utf-8")))
        assert named <= known, name


def test_a_container_brings_all_that_a_build_of_it_needs(project: Path) -> None:
    ignored = set((project / ".dockerignore").read_text("utf-8").split())
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (project / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    for name in " ".join(copied).split():
        assert name == "." or (project / name).exists()
        assert name.rstrip("/") not in ignored
