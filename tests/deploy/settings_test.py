"""What the chart tells the services is what they ask for: every variable is a setting, and none is missing."""

from __future__ import annotations

import os
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from dsr_fanout.settings import FanoutSettings
from dsr_intake.settings import Settings as IntakeSettings
from dsr_runtime.settings import PostgresSettings
from dsr_verifier.settings import VerifierSettings
from support.helm import CI, Helm, Rendered

SERVICES: dict[str, type[BaseSettings]] = {
    "intake": IntakeSettings,
    "fanout": FanoutSettings,
    "verifier": VerifierSettings,
}
SECRETS = {
    "DSR_POSTGRES_DSN": "postgresql://dsr:x@postgresql:5432/dsr",
    "DSR_SMTP_URL": "smtp://mail:25",
}


def variables(kind: type[BaseSettings]) -> set[str]:
    return {f"DSR_{name.upper()}" for name in kind.model_fields}


def loaded(
    kind: type[BaseSettings], given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> BaseSettings:
    """The settings that a pod with these variables would have."""
    for name in [one for one in os.environ if one.startswith("DSR_")]:
        monkeypatch.delenv(name)
    for name, one in given.items():
        monkeypatch.setenv(name, one if isinstance(one, str) else SECRETS.get(name, "x" * 20))
    return kind()


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("values", CI)
def test_every_variable_is_a_setting_and_every_needed_one_is_there(
    releases: dict[str, Rendered], values: str, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = releases[values].environment(service)
    ours = {name for name in given if not name.startswith("OTEL_")}  # those are OpenTelemetry's own
    assert ours - variables(SERVICES[service]) == set()
    found = loaded(SERVICES[service], given, monkeypatch)
    for name in SERVICES[service].model_fields:
        if f"DSR_{name.upper()}" not in given:
            assert getattr(found, name) == SERVICES[service].model_fields[name].get_default(
                call_default_factory=True
            )


@pytest.mark.parametrize("service", SERVICES)
def test_the_chart_s_defaults_are_the_settings_own(
    releases: dict[str, Rendered], service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = SERVICES[service]
    found = loaded(kind, releases["small"].environment(service), monkeypatch)
    told = {
        "http_host", "http_port", "intake_url", "verifier_url", "postgres_migrates",
        "kafka_bootstrap", "kafka_security_protocol", "kafka_username", "kafka_password",
        "temporal_address", "temporal_metrics_port", "log_origin",
    }  # fmt: skip
    for name, field in kind.model_fields.items():
        if name in told or field.is_required() or name.endswith("_file"):
            continue
        assert getattr(found, name) == field.get_default(call_default_factory=True), name


def test_a_setting_is_refused_where_it_is_wrong(
    releases: dict[str, Rendered], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = releases["small"].environment("intake") | {"DSR_LOG_LEVEL": "loud"}
    with pytest.raises(ValidationError):
        loaded(IntakeSettings, given, monkeypatch)


def test_lists_and_tables_are_told_as_json(
    releases: dict[str, Rendered], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = loaded(IntakeSettings, releases["production"].environment("intake"), monkeypatch)
    assert isinstance(found, IntakeSettings)
    assert found.oidc_roles["privacy-team"] == "privacy_officer"
    assert found.breaker_limits == {"*": 5000}
    fanout = loaded(FanoutSettings, releases["next"].environment("fanout"), monkeypatch)
    assert isinstance(fanout, FanoutSettings)
    assert fanout.cached_workflows == 1000


def test_numbers_are_told_without_an_exponent(helm: Helm) -> None:
    rendered = helm.template("small", "verifier.settings.verifier_parked_for_s=31536000")
    assert rendered.environment("verifier")["DSR_VERIFIER_PARKED_FOR_S"] == "31536000"


@pytest.mark.parametrize("values", CI)
def test_a_file_s_variable_names_where_its_secret_is_mounted(
    releases: dict[str, Rendered], values: str
) -> None:
    for service in SERVICES:
        pod = releases[values].of("Deployment")[service]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        mounted = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
        volumes = {one["name"]: one for one in pod["volumes"]}
        sources = (
            volumes[mounted["/etc/dsr"]]["projected"]["sources"] if "/etc/dsr" in mounted else []
        )
        paths = {f"/etc/dsr/{item['path']}" for one in sources for item in one["secret"]["items"]}
        named = {
            one
            for name, one in releases[values].environment(service).items()
            if name.endswith("_FILE") and not one.startswith("/var/run/")
        }
        assert {one for one in paths if one.startswith("/etc/dsr/secrets/")} == named


@pytest.mark.parametrize("values", CI)
def test_no_secret_is_in_the_chart(releases: dict[str, Rendered], values: str) -> None:
    assert releases[values].of("Secret") == {}
    for service, kind in SERVICES.items():
        given = releases[values].environment(service)
        for name, field in kind.model_fields.items():
            variable = f"DSR_{name.upper()}"
            if "SecretStr" in str(field.annotation) and variable in given:
                assert set(given[variable]) == {"secretKeyRef"}, variable


def test_migrations_have_what_they_need_and_services_do_not(
    releases: dict[str, Rendered], monkeypatch: pytest.MonkeyPatch
) -> None:
    for values in ("small", "production"):
        for service in ("intake", "verifier"):
            one = releases[values].of("Job")[f"migrate-{service}"]
            (container,) = one["spec"]["template"]["spec"]["containers"]
            assert container["args"] == ["migrate"]
            assert f"dsr-{service}" in container["image"]
            given = {each["name"]: each.get("valueFrom") for each in container["env"]}
            assert given.keys() == {"DSR_POSTGRES_DSN", "DSR_POSTGRES_MIGRATION_DSN"}
            SECRETS["DSR_POSTGRES_MIGRATION_DSN"] = SECRETS["DSR_POSTGRES_DSN"]
            loaded(PostgresSettings, given, monkeypatch)
            environment = releases[values].environment(service)
            assert environment["DSR_POSTGRES_MIGRATES"] == "false"
            assert "DSR_POSTGRES_MIGRATION_DSN" not in environment
    assert releases["next"].environment("intake")["DSR_POSTGRES_MIGRATES"] == "true"
    assert releases["next"].of("Job").keys() == {"publish"}


def test_other_settings_make_other_pods(helm: Helm, releases: dict[str, Rendered]) -> None:
    def stamp(rendered: Rendered, service: str) -> str:
        pod = rendered.of("Deployment")[service]["spec"]["template"]
        return str(pod["metadata"]["annotations"]["checksum/settings"])

    changed = helm.template("small", "intake.settings.breaker_floor=7")
    assert stamp(changed, "intake") != stamp(releases["small"], "intake")
    assert stamp(changed, "fanout") == stamp(releases["small"], "fanout")
    for one in ('openTelemetry.OTEL_SERVICE_NAME="other"', "migrations.enabled=false"):
        assert stamp(helm.template("small", one), "verifier") != stamp(
            releases["small"], "verifier"
        )


def test_replicas_have_no_name_in_common_by_which_they_would_fence_each_other(helm: Helm) -> None:
    for part in ("settings", "verifier.settings"):
        refused = helm.templated("small", f'{part}.kafka_instance_id="one"')
        assert refused.returncode != 0
        assert "kafka_instance_id" in refused.stderr


def test_commands_of_the_chart_are_commands(releases: dict[str, Rendered]) -> None:
    from typer.testing import CliRunner  # noqa: PLC0415 - the command line is heavy

    from dsr_cli.main import new_app  # noqa: PLC0415 - as above

    publish = releases["production"].of("Job")["publish"]["spec"]["template"]["spec"]
    calls = [one["args"] for one in (*publish["initContainers"], *publish["containers"])]
    calls += [one["args"] for one in releases["production"].of("Pod")["test"]["spec"]["containers"]]
    for call in calls:
        words = [one for one in call if not one.startswith("-")]
        depth = 1 if words[0] == "selftest" else 2
        shown = CliRunner().invoke(new_app(call), [*call[:depth], "--help"])
        assert shown.exit_code == 0, call
        for option in (one for one in call if one.startswith("--")):
            assert option in shown.output, option
