"""The network: names resolve, ports are open, or closed, certificates are sound, on every address. SM7."""

import pytest

from pytest_deploycheck.suite import CertificateCheck, NameCheck, Network, PortCheck


@pytest.mark.security
@pytest.mark.requirement("SM7")
@pytest.mark.foreach("certificates")
def test_certificate(network: Network, entry: CertificateCheck) -> None:
    """Trusted, for the name, not about to expire, with strong keys, and no old version of TLS beside it."""
    assert network.meets(entry)


@pytest.mark.smoke
@pytest.mark.requirement("SM7")
@pytest.mark.foreach("names")
def test_name_resolves(network: Network, entry: NameCheck) -> None:
    """The name resolves, to the addresses that it should."""
    assert network.meets(entry)


@pytest.mark.smoke
@pytest.mark.requirement("SM7")
@pytest.mark.foreach("ports")
def test_port(network: Network, entry: PortCheck) -> None:
    """The port is open on every address, or closed on all, as it should be."""
    assert network.meets(entry)
