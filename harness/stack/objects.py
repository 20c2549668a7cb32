"""The other objects of the cluster: what was applied, created or given at the start. A plain store; it acts on nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

CLUSTER = "_"  # stands for the namespace of what has none
_CLUSTER_SCOPED = {
    "Namespace",
    "Node",
    "ClusterRole",
    "ClusterRoleBinding",
    "PersistentVolume",
    "CustomResourceDefinition",
    "StorageClass",
}
_Key = tuple[str, str, str]


class ObjectStore:
    """Manifests by kind, namespace and name."""

    def __init__(self, namespace: str, manifests: Iterable[Mapping[str, Any]]) -> None:
        self._namespace = namespace
        self._objects: dict[_Key, dict[str, Any]] = {}
        for name in dict.fromkeys(("default", "kube-system", namespace)):
            self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, 0.0)
        for manifest in manifests:
            self.put(manifest, 0.0)

    def put(self, manifest: Mapping[str, Any], at_s: float) -> tuple[dict[str, Any], bool, bool]:
        """Store it: what is stored, whether it is new, whether it differs from what was there. Raises ValueError."""
        metadata = dict(manifest.get("metadata") or {})
        kind, name = str(manifest.get("kind") or ""), str(metadata.get("name") or "")
        if not kind or not name:
            raise ValueError("an object needs a kind and a name")
        if kind not in _CLUSTER_SCOPED:
            metadata.setdefault("namespace", self._namespace)
        key = (kind, str(metadata.get("namespace") or CLUSTER), name)
        before = self._objects.get(key)
        metadata["creationTimestamp_s"] = before["metadata"]["creationTimestamp_s"] if before else round(at_s, 6)
        stored = {**manifest, "metadata": metadata}
        self._objects[key] = stored
        return stored, before is None, before != stored

    def found(self, kind: str | None = None, namespace: str | None = None) -> list[dict[str, Any]]:
        return [each for key, each in sorted(self._objects.items()) if kind in (None, key[0]) and namespace in (None, key[1])]

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        return self._objects.get((kind, namespace, name))

    def delete(self, kind: str, namespace: str, name: str) -> bool:
        """Remove it, and with a namespace all that is in it; False when there is none."""
        if self._objects.pop((kind, namespace, name), None) is None:
            return False
        if kind == "Namespace":
            for key in [each for each in self._objects if each[1] == name]:
                del self._objects[key]
        return True
