"""The kinds of object that a cluster has: Kubernetes' own, and those of cert-manager."""

from __future__ import annotations

from typing import NamedTuple

from fakes.commands.entry import Failure

# plural singular,short names Kind apiVersion; `-` after it: in no namespace
_TABLE = """
pods pod,po Pod v1
services service,svc Service v1
deployments deployment,deploy Deployment apps/v1
replicasets replicaset,rs ReplicaSet apps/v1
statefulsets statefulset,sts StatefulSet apps/v1
horizontalpodautoscalers horizontalpodautoscaler,hpa HorizontalPodAutoscaler autoscaling/v2
cronjobs cronjob,cj CronJob batch/v1
jobs job Job batch/v1
daemonsets daemonset,ds DaemonSet apps/v1
endpoints endpoints,ep Endpoints v1
ingresses ingress,ing Ingress networking.k8s.io/v1
networkpolicies networkpolicy,netpol NetworkPolicy networking.k8s.io/v1
configmaps configmap,cm ConfigMap v1
secrets secret Secret v1
events event,ev Event v1
serviceaccounts serviceaccount,sa ServiceAccount v1
persistentvolumeclaims persistentvolumeclaim,pvc PersistentVolumeClaim v1
poddisruptionbudgets poddisruptionbudget,pdb PodDisruptionBudget policy/v1
roles role Role rbac.authorization.k8s.io/v1
rolebindings rolebinding RoleBinding rbac.authorization.k8s.io/v1
resourcequotas resourcequota,quota ResourceQuota v1
limitranges limitrange,limits LimitRange v1
replicationcontrollers replicationcontroller,rc ReplicationController v1
certificates certificate,cert,certs Certificate cert-manager.io/v1
certificaterequests certificaterequest,cr,crs CertificateRequest cert-manager.io/v1
issuers issuer Issuer cert-manager.io/v1
clusterissuers clusterissuer ClusterIssuer cert-manager.io/v1 -
namespaces namespace,ns Namespace v1 -
nodes node,no Node v1 -
persistentvolumes persistentvolume,pv PersistentVolume v1 -
clusterroles clusterrole ClusterRole rbac.authorization.k8s.io/v1 -
clusterrolebindings clusterrolebinding ClusterRoleBinding rbac.authorization.k8s.io/v1 -
customresourcedefinitions customresourcedefinition,crd,crds CustomResourceDefinition apiextensions.k8s.io/v1 -
storageclasses storageclass,sc StorageClass storage.k8s.io/v1 -
ingressclasses ingressclass IngressClass networking.k8s.io/v1 -
priorityclasses priorityclass,pc PriorityClass scheduling.k8s.io/v1 -
"""


class Kind(NamedTuple):
    """One kind of object, and the words for it."""

    plural: str
    names: tuple[str, ...]  # singular first, then the short names
    kind: str
    version: str  # the group and version that manifests name
    namespaced: bool

    @property
    def group(self) -> str:
        return self.version.rpartition("/")[0]

    @property
    def qualified(self) -> str:
        """`deployments.apps`, as the server's errors say it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def short(self) -> str:
        """`deployment.apps`, as kubectl says what it did."""
        return f"{self.names[0]}.{self.group}" if self.group else self.names[0]


def _kind(line: str) -> Kind:
    plural, names, kind, version, *scope = line.split()
    return Kind(plural, tuple(names.split(",")), kind, version, not scope)


KINDS = tuple(_kind(line) for line in _TABLE.strip().splitlines())
_ALL = (
    "pods",
    "services",
    "daemonsets",
    "deployments",
    "replicasets",
    "statefulsets",
    "horizontalpodautoscalers",
    "cronjobs",
    "jobs",
)
_BY_PLURAL = {kind.plural: kind for kind in KINDS}
_BY_KIND = {kind.kind: kind for kind in KINDS}


def named(plural: str) -> Kind:
    return _BY_PLURAL[plural]


def of_manifest(kind: str, version: str) -> Kind | None:
    """The kind that a manifest is of; None when the cluster has no such kind in that version."""
    found = _BY_KIND.get(kind)
    if found is None or version.rpartition("/")[0] != found.group:
        return None
    return (
        found
        if version == found.version or (found.group == "autoscaling" and version in ("autoscaling/v1", "autoscaling/v2"))
        else None
    )


def of_word(word: str) -> tuple[Kind, ...]:
    """`deploy`, `deployments.apps`, `po` and so on; several for `all`. Raises Failure for what the cluster does not have."""
    if word == "all":
        return tuple(_BY_PLURAL[plural] for plural in _ALL)
    bare, _, group = word.lower().partition(".")
    for kind in KINDS:
        if bare in (kind.plural, *kind.names) and group in ("", kind.group, f"{kind.version.rpartition('/')[2]}.{kind.group}"):
            return (kind,)
    raise Failure(f'error: the server doesn\'t have a resource type "{word}"')
