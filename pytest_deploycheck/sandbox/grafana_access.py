"""Who asks the Grafana stand-in: service-account tokens, basic authentication, nobody."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox import grafana_errors as errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.sandbox.endpoints import Reply
    from pytest_deploycheck.sandbox.grafana_state import Account, Grafana

ORG_HEADER = "x-grafana-org-id"
TOKEN_USER = "api_key"  # noqa: S105 - the user name under which a token may come as a password


def identify(grafana: Grafana, headers: Mapping[str, str]) -> Account | Reply:
    """Return who asks, or the refusal.

    Args:
        grafana: who has accounts there.
        headers: of the request, names in lower case.
    """
    raw_org = headers.get(ORG_HEADER, "")
    # An id that is no number is ignored, as the real one does.
    org = int(raw_org) if raw_org.isdigit() else 0
    given = "" if grafana.strips else headers.get("authorization", "")
    scheme, _, credentials = given.partition(" ")
    if scheme == "Bearer" and credentials:
        return _by_token(grafana, credentials, org)
    if scheme == "Basic":
        return _by_password(grafana, credentials, org)
    if grafana.anonymous is not None:
        return grafana.anonymous
    return errors.unauthorized()


def _by_token(grafana: Grafana, token: str, org: int) -> Account | Reply:
    account = grafana.accounts.get(token)
    if account is None:
        return errors.bad_token()
    return account if org in (0, account.org) else errors.wrong_org()


def _by_password(grafana: Grafana, credentials: str, org: int) -> Account | Reply:
    try:
        user, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        user, colon, password = "", "", ""
    if not colon:
        return errors.public(400, "Invalid Basic Auth Header", "basic-auth.invalid-header")
    if user == TOKEN_USER:
        return _by_token(grafana, password, org)
    expected, account = grafana.users.get(user, ("", None))
    if account is None or password != expected:
        return errors.bad_password()
    if org and org not in grafana.orgs:
        return errors.unauthorized()
    # A user may belong to several organisations; a token to one.
    return replace(account, org=org) if org else account
