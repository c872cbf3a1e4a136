"""What `kubectl kustomize` would make of a folder, as far as deploy/tuning uses it.

Without kubectl, which Debian's packages do not bring. What the folders may not use (generators,
strategic merges, prefixes) is refused, so that this cannot compose something else in silence.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.seams.environments import ROOT

TUNING = ROOT / "deploy" / "tuning"

KNOWN = {
    *("apiVersion", "kind", "namespace"),
    *("resources", "components", "images", "patches"),
}
CLUSTER_WIDE = {"Namespace"}

Manifest = dict[str, Any]


def compose(folder: Path) -> list[Manifest]:
    """Return the manifests of a folder with a kustomization.yaml, in order."""
    plan = read_plan(folder)
    manifests = [
        manifest for name in plan.get("resources", []) for manifest in _load(folder / name)
    ]
    for name in plan.get("components", []):
        component = read_plan(folder / name)
        for resource in component.get("resources", []):
            manifests += _load(folder / name / resource)
        _change(manifests, component)
    _change(manifests, plan)
    return manifests


def read_plan(folder: Path) -> dict[str, Any]:
    """Return a kustomization.yaml whose every key is known here."""
    plan = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    assert isinstance(plan, dict)
    assert set(plan) <= KNOWN, f"{folder}: {set(plan) - KNOWN} would be left out here"
    return plan


def _load(path: Path) -> list[Manifest]:
    if path.is_dir():
        return compose(path)
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


def _change(manifests: list[Manifest], plan: dict[str, Any]) -> None:
    for patch in plan.get("patches", []):
        target = patch["target"]
        found = [m for m in manifests if (m["kind"], m["metadata"]["name"]) == _named(target)]
        assert found, f"a patch of {target} changes nothing"
        for manifest in found:
            for operation in yaml.safe_load(patch["patch"]):
                _patch(manifest, operation)
    for manifest in manifests:
        if "namespace" in plan and manifest["kind"] not in CLUSTER_WIDE:
            manifest["metadata"]["namespace"] = plan["namespace"]
        for container in containers(manifest):
            for image in plan.get("images", []):
                name = container["image"].partition(":")[0]
                if name == image["name"]:
                    container["image"] = f"{image.get('newName', name)}:{image['newTag']}"


def _named(target: dict[str, str]) -> tuple[str, str]:
    assert set(target) == {"kind", "name"}
    return target["kind"], target["name"]


def _patch(manifest: Manifest, operation: dict[str, Any]) -> None:
    """Carry out one operation of RFC 6902 on keys; `replace` needs something to replace."""
    assert operation["op"] == "replace", operation
    *parents, key = operation["path"].lstrip("/").split("/")
    place: Any = manifest
    for parent in parents:
        place = place[parent]
    assert key in place, f"{operation['path']} is not there to be replaced"
    place[key] = operation["value"]


def pod_of(manifest: Manifest) -> Manifest | None:
    """Return metadata and spec of the pods that a manifest makes."""
    if manifest["kind"] == "Pod":
        return manifest
    template = manifest.get("spec", {}).get("template")
    return template if isinstance(template, dict) else None


def containers(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Yield every container that a manifest runs."""
    pod = pod_of(manifest)
    if pod is not None:
        yield from pod["spec"].get("initContainers", [])
        yield from pod["spec"]["containers"]
