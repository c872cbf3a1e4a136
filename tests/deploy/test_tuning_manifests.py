"""deploy/tuning as Kubernetes takes it: by its own schemas, and by what must hold besides."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.kustomize import TUNING, Manifest, compose, containers, pod_of, read_plan
from training.tuning.leases import LEASE_S

KUBERNETES = ("1.29", "1.37")
"""The oldest that has all of this switched on (backoffLimitPerIndex); the newest with a schema."""

OVERLAYS = ("overlays/small-example", "overlays/large-example")
FOLDERS = (*OVERLAYS, "survey-loader")
REPEATED = {
    "tuning-workers": "worker",
    "tuning-storage-proxy": "storage-proxy",
}
"""Components with a disruption budget."""

composed: Callable[[str], list[Manifest]] = cache(lambda folder: compose(TUNING / folder))


def of_kind(folder: str, *kinds: str) -> list[Manifest]:
    """Return the manifests of some kinds."""
    return [one for one in composed(folder) if one["kind"] in kinds]


def one(folder: str, kind: str, name: str) -> Manifest:
    """Return the manifest of a kind and a name."""
    (found,) = [m for m in of_kind(folder, kind) if m["metadata"]["name"] == name]
    return found


def amount(text: str) -> float:
    """Return a quantity of Kubernetes in cores or bytes."""
    units = {"m": 1e-3, "": 1.0, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}
    match = re.fullmatch(r"([0-9.]+)(m|Ki|Mi|Gi|)", text)
    assert match is not None, text
    return float(match[1]) * units[match[2]]


def covers(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Whether `matchLabels` take a pod."""
    return selector.items() <= labels.items()


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("version", KUBERNETES)
def test_every_manifest_fits_its_schema(folder: str, version: str) -> None:
    """Strictly: a key that Kubernetes does not know is a slip of the keyboard."""
    assert composed(folder)
    for manifest in composed(folder):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schema_would_notice() -> None:
    """A wrong type and an unknown key do not pass."""
    job = yaml.safe_load((TUNING / "base" / "study.yaml").read_text(encoding="utf-8"))
    kubernetes_validate.validate(job, KUBERNETES[-1], strict=True)
    for key, value in (("backoffLimit", "six"), ("paralelism", 2)):
        wrong = {**job, "spec": {**job["spec"], key: value}}
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(wrong, KUBERNETES[-1], strict=True)


def test_every_file_is_used() -> None:
    """A manifest that no kustomization names would never be applied, nor tested."""
    plans = [path.parent for path in TUNING.rglob("kustomization.yaml")]
    named = {
        (folder / name).resolve()
        for folder in plans
        for key in ("resources", "components")
        for name in read_plan(folder).get(key, [])
    }
    files = {path for path in TUNING.rglob("*.yaml") if path.name != "kustomization.yaml"}
    assert files <= named
    assert all(path.exists() for path in named)


@pytest.mark.parametrize("folder", FOLDERS)
def test_names_are_told_apart(folder: str) -> None:
    """One manifest per kind and name, all in one namespace."""
    names = [(m["kind"], m["metadata"]["name"]) for m in composed(folder)]
    assert len(names) == len(set(names))
    spaces = {m["metadata"].get("namespace") for m in composed(folder) if m["kind"] != "Namespace"}
    assert spaces == {"localizer-tuning"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_requested_is_within_the_limits(folder: str) -> None:
    """Every container says both, of processor and memory."""
    for manifest in composed(folder):
        for container in containers(manifest):
            resources = container["resources"]
            assert {"cpu", "memory"} <= set(resources["requests"]), container["name"]
            for name, wanted in resources["requests"].items():
                assert amount(wanted) <= amount(resources["limits"][name]), container["name"]


def test_a_worker_asks_for_one_core() -> None:
    """As measured: more threads gain nothing, and less memory does not hold 32 lanes."""
    (worker,) = containers(one("overlays/small-example", "Job", "tuning-workers"))
    assert worker["resources"]["requests"]["cpu"] == "1"
    assert amount(worker["resources"]["requests"]["memory"]) == 1.5 * 2**30


@pytest.mark.parametrize("folder", FOLDERS)
def test_nobody_is_root_and_nothing_is_written_but_volumes(folder: str) -> None:
    """What the profile `restricted` of Kubernetes asks for, and a read-only root."""
    for manifest in composed(folder):
        pod = pod_of(manifest)
        if pod is None:
            continue
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        for container in containers(manifest):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_password_stands_in_a_file(folder: str) -> None:
    """There is no Secret here, every password is a reference, and no address carries one."""
    assert not of_kind(folder, "Secret")
    for manifest in composed(folder):
        for container in containers(manifest):
            for variable in container.get("env", []):
                if "PASSWORD" in variable["name"]:
                    reference = variable["valueFrom"]["secretKeyRef"]
                    assert reference == {"name": "tuning-database", "key": "password"}
    for address in re.findall(r"\w+://[^\s\"']+", yaml.safe_dump_all(composed(folder))):
        assert not re.search(r"//[^@/]*:[^@/]*@", address), address


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_pods_refer_to_exists(folder: str) -> None:
    """Claims, settings and accounts by name; volumes that are mounted; variables in arguments."""
    # The loader is applied after the base, which makes what it needs.
    made = [*composed(folder), *composed("base")]
    names = {(m["kind"], m["metadata"]["name"]): m for m in made}
    for manifest in composed(folder):
        pod = pod_of(manifest)
        if pod is None:
            continue
        assert ("ServiceAccount", pod["spec"]["serviceAccountName"]) in names
        volumes = {v["name"] for v in pod["spec"].get("volumes", [])}
        volumes |= {v["metadata"]["name"] for v in manifest["spec"].get("volumeClaimTemplates", [])}
        for volume in pod["spec"].get("volumes", []):
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                assert ("PersistentVolumeClaim", claim) in names
        for container in containers(manifest):
            assert {mount["name"] for mount in container.get("volumeMounts", [])} == volumes
            _variables_are_set(container, names)


def _variables_are_set(container: dict[str, Any], names: dict[tuple[str, str], Manifest]) -> None:
    known = {variable["name"] for variable in container.get("env", [])}
    for source in container.get("envFrom", []):
        known |= set(names["ConfigMap", source["configMapRef"]["name"]]["data"])
    for argument in container.get("args", []):
        assert set(re.findall(r"\$\((\w+)\)", argument)) <= known, argument


@pytest.mark.parametrize("folder", OVERLAYS)
def test_disruption_budgets_take_their_pods_and_let_nodes_drain(folder: str) -> None:
    """Selectors match the labels, and fewer must stay than there are."""
    budgets = of_kind(folder, "PodDisruptionBudget")
    assert {b["metadata"]["name"] for b in budgets} <= set(REPEATED)
    for budget in budgets:
        owners = [
            m
            for m in of_kind(folder, "Job", "Deployment", "StatefulSet")
            if covers(
                budget["spec"]["selector"]["matchLabels"],
                m["spec"]["template"]["metadata"]["labels"],
            )
        ]
        (owner,) = owners
        assert owner["metadata"]["name"] == budget["metadata"]["name"]
        pods = owner["spec"].get("parallelism", owner["spec"].get("replicas"))
        # Kubernetes counts neither shares nor maxUnavailable for the pods of a job.
        assert isinstance(budget["spec"]["minAvailable"], int)
        assert 1 <= budget["spec"]["minAvailable"] < pods


@pytest.mark.parametrize("folder", OVERLAYS)
def test_evictions_of_workers_do_not_count(folder: str) -> None:
    """And one index that fails does not end the others."""
    spec = one(folder, "Job", "tuning-workers")["spec"]
    assert spec["completionMode"] == "Indexed"
    assert spec["parallelism"] == spec["completions"] > spec["maxFailedIndexes"] >= 1
    assert spec["template"]["spec"]["restartPolicy"] == "Never"  # or the next two do nothing
    assert spec["backoffLimitPerIndex"] >= 3
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule["action"] == "Ignore"
    assert rule["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    assert "activeDeadlineSeconds" not in spec


def test_a_worker_is_given_longer_to_stop_than_a_lease() -> None:
    """Killed sooner, it would lose by stopping in order: others would have its trials sooner."""
    pod = one("overlays/large-example", "Job", "tuning-workers")["spec"]["template"]
    assert pod["spec"]["terminationGracePeriodSeconds"] > LEASE_S


@pytest.mark.parametrize("folder", OVERLAYS)
def test_jobs_wait_to_be_let_go(folder: str) -> None:
    """One after the other: the survey comes before the study, and the study before workers."""
    suspended = {m["metadata"]["name"]: m["spec"]["suspend"] for m in of_kind(folder, "Job")}
    assert suspended == {"tuning-study": True, "tuning-workers": True, "tuning-report": True}


@pytest.mark.parametrize("folder", OVERLAYS)
def test_only_clients_reach_the_storage_and_they_reach_nothing_else(folder: str) -> None:
    """Whoever names a storage has the label; every other way is closed for all pods."""
    policies = {m["metadata"]["name"]: m["spec"] for m in of_kind(folder, "NetworkPolicy")}
    deny = policies["tuning-default-deny"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for manifest in of_kind(folder, "Job", "Deployment"):
        labels = manifest["spec"]["template"]["metadata"]["labels"]
        for container in containers(manifest):
            assert any("--storage=" in argument for argument in container["args"])
            assert labels["localizer/storage-client"] == "true"
    for service in of_kind(folder, "Service"):
        ports = {port["port"] for port in service["spec"]["ports"]}
        assert _open_ports(policies, service["spec"]["selector"], "ingress") == ports
        assert _open_ports(policies, service["spec"]["selector"], "egress") == ports


def _open_ports(policies: dict[str, Any], server: dict[str, str], way: str) -> set[int]:
    """Return the ports on which the storage's clients and a server may speak, seen from one end."""
    client = {"localizer/storage-client": "true"}
    here, there = (server, client) if way == "ingress" else (client, server)
    other = "from" if way == "ingress" else "to"
    return {
        port["port"]
        for policy in policies.values()
        if policy["podSelector"].get("matchLabels") and way in policy
        if covers(policy["podSelector"]["matchLabels"], here)
        for rule in policy[way]
        for peer in rule[other]
        if covers(peer["podSelector"]["matchLabels"], there)
        for port in rule["ports"]
    }


def test_services_find_their_pods_and_addresses_name_services() -> None:
    """The hosts of DATABASE and STORAGE are services, on the ports that these open."""
    folder = "overlays/large-example"
    services = {m["metadata"]["name"]: m["spec"] for m in of_kind(folder, "Service")}
    templates = [
        m["spec"]["template"]["metadata"]["labels"]
        for m in of_kind(folder, "Deployment", "StatefulSet")
    ]
    for spec in services.values():
        assert any(covers(spec["selector"], labels) for labels in templates)
    settings = one(folder, "ConfigMap", "tuning-settings")["data"]
    for name in ("DATABASE", "STORAGE"):
        match = re.fullmatch(r"\w+://(?:\w+@)?([\w-]+):(\d+)(?:/\w+)?", settings[name])
        assert match is not None, settings[name]
        assert int(match[2]) in {port["port"] for port in services[match[1]]["ports"]}
    assert settings["STORAGE"].startswith("grpc://")


@pytest.mark.parametrize("folder", FOLDERS)
def test_images_have_a_tag_and_no_registry(folder: str) -> None:
    """`latest` is another thing tomorrow; where images lie is the cluster's affair."""
    import localizer

    for manifest in composed(folder):
        for container in containers(manifest):
            name, _, tag = container["image"].partition(":")
            assert "/" not in name
            assert tag not in {"", "latest"}
            if name == "localizer-tuning":
                assert tag == localizer.__version__


def test_the_page_names_what_is_there() -> None:
    """Every folder and manifest that README.md speaks of exists."""
    text = (TUNING / "README.md").read_text(encoding="utf-8")
    for path in set(re.findall(r"deploy/tuning/[\w./-]*\w", text)):
        assert (TUNING.parent.parent / path).exists(), path
    for folder in OVERLAYS:
        assert Path(folder).name in text
