"""What is expected of names, ports and certificates: the tables of `suites/post_deploy/test_network.py`."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from pytest_deploycheck.settings.entries import Count, Entry
from pytest_deploycheck.settings.texts import Host
from pytest_deploycheck.settings.values import (
    FilePath,
    Flag,
    Frozen,
    Name,
    Number,
    PositiveDuration,
    Whole,
    Wrong,
    parse_duration,
    quoted,
)

Port = Annotated[Whole, Field(ge=1, le=65535)]
"""A TCP port."""

Family = Literal["ipv4", "ipv6"]
"""A family of addresses."""


def _address(value: str) -> str:
    from ipaddress import ip_address

    try:
        return str(ip_address(value))
    except ValueError:
        raise Wrong(f"{quoted(value)} is not an IP address", "such as 192.0.2.7 or 2001:db8::7") from None


def _network(value: str) -> str:
    from ipaddress import ip_network

    try:
        return str(ip_network(value))
    except ValueError:
        raise Wrong(f"{quoted(value)} is not a network", "such as 10.0.0.0/8, without bits behind the prefix") from None


class CertificateCheck(Entry):
    """SM7: the certificate of a host, or of a service of the environment, on every address."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["host"]}, {"required": ["service"]}]})

    host: Host | None = None
    """A name or an address."""
    port: Port | None = None
    """The port; 443 if it is not given."""
    service: Name | None = None
    """A service of the environment, instead of host and port: its URL, `tls.ca` and `tls.server_name` count."""
    server_name: Host | None = None
    """The name to ask for, if it is not the host; the certificate must be for it."""
    ca: FilePath | None = None
    """A PEM file of authorities to trust instead of the system's."""
    min_days: Annotated[Number, Field(ge=0)] = 14.0
    """How many days every certificate must still be valid."""
    min_tls: Literal["TLSv1.1", "TLSv1.2", "TLSv1.3"] = "TLSv1.2"
    """The oldest version that the server may agree to."""
    min_rsa_bits: Count = 2048
    """The least bits of an RSA key."""
    min_ec_bits: Count = 256
    """The least bits of an elliptic curve."""
    issuers: tuple[Name, ...] = ()
    """Texts of which one must be in the name of an authority that signed it; any authority if there are none."""
    family: Family | None = None
    """The family of addresses that counts; both if it is not given."""
    timeout: PositiveDuration = parse_duration("5s")
    """How long each step may take."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.host is None) == (self.service is None):
            raise Wrong("has both host and service" if self.host else "has neither host nor service", "one of them")
        if self.service is not None and self.port is not None:
            raise Wrong("has port with service", "port only with host: a service's is in its URL")
        return self

    def _natural_id(self) -> str:
        return self.service or f"{self.host}:{self.port or 443}"


class NameCheck(Entry):
    """SM7: a name, as the resolver of the machine that runs the checks resolves it."""

    name: Host
    """The name."""
    addresses: tuple[Annotated[Name, AfterValidator(_address)], ...] = ()
    """Exactly the addresses that must come, in any order."""
    networks: tuple[Annotated[Name, AfterValidator(_network)], ...] = ()
    """Networks in one of which every address must lie."""
    families: tuple[Family, ...] = ()
    """Families of each of which there must be an address."""
    min_addresses: Count = 1
    """How many addresses there must be."""
    max_latency: PositiveDuration | None = None
    """How long it may take."""
    timeout: PositiveDuration = parse_duration("5s")
    """When the resolver is given up."""

    def _natural_id(self) -> str:
        return self.name


class PortCheck(Entry):
    """SM7: a TCP port, on every address of a host."""

    host: Host
    """A name or an address."""
    port: Port
    """The port."""
    open: Flag = True
    """Whether it must be open; otherwise it must be reachable on no address."""
    max_latency: PositiveDuration | None = None
    """How long connecting may take."""
    family: Family | None = None
    """The family of addresses that counts; both if it is not given."""
    timeout: PositiveDuration = parse_duration("5s")
    """When a connection is given up."""

    @model_validator(mode="after")
    def _can_be_kept(self) -> Self:
        if not self.open and self.max_latency is not None:
            raise Wrong("has max_latency with open = false", "no max_latency: nothing is to connect")
        return self

    def _natural_id(self) -> str:
        return f"{self.host}:{self.port}{'' if self.open else ':closed'}"


class NetworkChecks(Frozen):
    """The tables about the network, at the top of the file (for every environment) or in one environment."""

    certificates: tuple[CertificateCheck, ...] = ()
    """SM7: certificates."""
    names: tuple[NameCheck, ...] = ()
    """SM7: names."""
    ports: tuple[PortCheck, ...] = ()
    """SM7: ports."""
