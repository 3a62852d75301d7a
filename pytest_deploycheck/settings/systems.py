"""The systems of one environment and how to reach them."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from pytest_deploycheck.settings.texts import HeaderName, Headers, HttpUrl, ProxyUrl
from pytest_deploycheck.settings.values import (
    Duration,
    FilePath,
    Flag,
    Frozen,
    Name,
    PositiveDuration,
    SecretRef,
    Size,
    Whole,
    Wrong,
    parse_duration,
)


class Auth(Frozen):
    """How requests authenticate: one of `bearer`; `username` with `password`; `header` with `value`."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["bearer"]},
                {"required": ["username", "password"]},
                {"required": ["header", "value"]},
            ]
        }
    )

    bearer: SecretRef | None = None
    """A bearer token."""
    username: Name | None = None
    """Basic authentication: the user."""
    password: SecretRef | None = None
    """Basic authentication: the password."""
    header: HeaderName | None = None
    """The name of a header, such as `X-Api-Key`."""
    value: SecretRef | None = None
    """The value of that header."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        words = "one of: bearer; username and password; header and value"
        for one, other in (("username", "password"), ("header", "value")):
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                has, lacks = (one, other) if getattr(self, other) is None else (other, one)
                raise Wrong(f"has {has} without {lacks}", words)
        given = [name for name in ("bearer", "username", "header") if getattr(self, name) is not None]
        if len(given) != 1:
            raise Wrong(f"has {' and '.join(given)}" if given else "is empty", words)
        return self


class Tls(Frozen):
    """TLS of one system."""

    verify: Flag = True
    """Whether the server's certificate is verified. Every report names the systems for which it is not."""
    ca: FilePath | None = None
    """A PEM file of certificate authorities to trust instead of the system's."""
    cert: FilePath | None = None
    """A PEM file with the client's certificate."""
    key: FilePath | None = None
    """A PEM file with the client's key; needs `cert`."""
    server_name: Name | None = None
    """The name the certificate must carry, if it is not the URL's host."""

    @model_validator(mode="after")
    def _key_needs_cert(self) -> Self:
        if self.key is not None and self.cert is None:
            raise Wrong("has key without cert", "both, or cert alone if it holds the key as well")
        return self


class Timeouts(Frozen):
    """How long to wait."""

    connect: PositiveDuration = parse_duration("5s")
    """For a connection, TLS included."""
    read: PositiveDuration = parse_duration("30s")
    """Between two pieces of an answer."""
    total: PositiveDuration = parse_duration("60s")
    """For one request in all, retries included."""


class Retries(Frozen):
    """Repeating reads after connection errors, 429 and 502 to 504. Writes are never repeated."""

    attempts: Annotated[Whole, Field(ge=1, le=10)] = 3
    """Tries in all; 1 = none is repeated."""
    base: Duration = parse_duration("200ms")
    """The first wait; it doubles each time."""
    cap: Duration = parse_duration("5s")
    """The longest wait; a Retry-After may ask for up to 40 s."""


class System(Frozen):
    """What every HTTP system has."""

    url: HttpUrl
    """Base URL, a path prefix included (`https://prometheus.example.com/prometheus`)."""
    external_url: HttpUrl | None = None
    """The URL that people open, for links in reports; `url` if it is not given."""
    auth: Auth | None = None
    """Credentials, by reference."""
    headers: Headers = Field(default_factory=dict)
    """Further headers, such as `X-Scope-OrgID`. Nothing secret: use `auth`."""
    tls: Tls = Field(default_factory=Tls.model_construct)
    """TLS options."""
    proxy: ProxyUrl | None = None
    """A proxy; the environment's proxy variables are not used."""
    timeouts: Timeouts = Field(default_factory=Timeouts.model_construct)
    """Time limits."""
    retries: Retries = Field(default_factory=Retries.model_construct)
    """Repetition of reads."""
    give_up_after: Annotated[Whole, Field(ge=0, le=100)] = 2
    """Requests in a row without any answer after which the system is left alone for 10 s; 0 = never left alone."""
    max_body: Size = 64 * 2**20
    """The largest answer that is read."""
    compression: Literal["auto", "gzip", "identity"] = "auto"
    """`auto` asks loopback servers for plain answers and all others for gzip."""
    writes: Flag = False
    """Whether checks marked `writes` may change something here."""


class Prometheus(System):
    """A Prometheus, or a system with its query API."""

    clock_skew_limit: PositiveDuration = parse_duration("30s")
    """A larger difference between its clock and the runner's is reported as a warning in the sign-off."""


class Alertmanager(System):
    """An Alertmanager."""


class Grafana(System):
    """A Grafana."""

    org_id: Annotated[Whole, Field(ge=1)] | None = None
    """The organisation, sent as `X-Grafana-Org-Id`."""


class Kubernetes(Frozen):
    """A Kubernetes cluster, by kubeconfig or from inside."""

    context: Name | None = None
    """The kubeconfig context; the current one if it is not given."""
    kubeconfig: FilePath | None = None
    """The kubeconfig file; the usual places if it is not given."""
    in_cluster: Flag = False
    """Use the pod's service account."""
    namespace: Name = "default"
    """Where names without a namespace are looked up."""
    timeouts: Timeouts = Field(default_factory=Timeouts.model_construct)
    """Time limits."""
    retries: Retries = Field(default_factory=Retries.model_construct)
    """Repetition of reads."""
    give_up_after: Annotated[Whole, Field(ge=0, le=100)] = 2
    """Requests in a row without any answer after which the cluster is left alone for 10 s; 0 = never left alone."""
    max_body: Size = 64 * 2**20
    """The largest answer that is read; lists come in pages."""
    writes: Flag = False
    """Whether checks marked `writes` may change something here."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.in_cluster and (self.context is not None or self.kubeconfig is not None):
            raise Wrong("has in_cluster with a kubeconfig or context", "either in_cluster, or kubeconfig and context")
        return self


class Service(System):
    """A deployed service with health and functional endpoints."""

    version_header: HeaderName | None = None
    """The response header that carries the service's version, if one does."""
