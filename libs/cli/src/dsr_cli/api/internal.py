"""Intake, as the commands of operators and privacy officers call it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import httpx

from dsr_cli.api.client import ApiError
from dsr_cli.api.paths import part
from dsr_cli.connection import Internal
from dsr_core.law.proofs import Level

__all__ = ["InternalApi"]

_TARGETS = 100
"""So many are in an entry of the audit log at the most."""


class InternalApi:
    """Calls intake as one principal."""

    def __init__(self, connection: Internal) -> None:
        self._connection = connection

    def create_client(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create a client; the answer holds its key, once."""
        created: dict[str, Any] = self._call("POST", "/internal/v1/clients", dict(body))
        return created

    def rotate_key(self, client_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make another key for a client; the answer holds it, once."""
        path = f"/internal/v1/clients/{part(client_id)}/key:rotate"
        made: dict[str, Any] = self._call("POST", path, dict(body))
        return made

    def rotate_own_key(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make another key for whoever calls; the answer holds it, once."""
        made: dict[str, Any] = self._call("POST", "/internal/v1/key:rotate", dict(body))
        return made

    def list_clients(self) -> list[dict[str, Any]]:
        """Return every API client, without keys."""
        answer = self._call("GET", "/internal/v1/clients")
        clients: list[dict[str, Any]] = answer["clients"] if isinstance(answer, dict) else answer
        return clients

    def revoke_client(self, client_id: str, *, reason: str) -> None:
        """Revoke an API client; safe to repeat."""
        query = urlencode({"reason": reason})
        self._call("DELETE", f"/internal/v1/clients/{part(client_id)}?{query}")

    def allow_packages(self, client_id: str, recipient: str, *, reason: str) -> None:
        """Allow a program to have packages at its callback, encrypted to a key of age."""
        path = f"/internal/v1/clients/{part(client_id)}/package-recipient"
        self._call("PUT", path, {"recipient": recipient, "reason": reason})

    def end_packages(self, client_id: str, *, reason: str) -> None:
        """Send a program no more packages; safe to repeat."""
        query = urlencode({"reason": reason})
        self._call("DELETE", f"/internal/v1/clients/{part(client_id)}/package-recipient?{query}")

    def announce(self, action: str, targets: Sequence[str], reason: str) -> list[dict[str, Any]]:
        """Enter in the audit log what is about to be changed elsewhere than in intake.

        Every target is in an entry: more than one takes are in several.
        """
        parts = [targets[n : n + _TARGETS] for n in range(0, len(targets), _TARGETS)] or [targets]
        bodies = [{"action": action, "targets": list(one), "reason": reason} for one in parts]
        return [self._call("POST", "/internal/v1/audit", body) for body in bodies]

    def audit(self, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return entries of the audit log, the newest first."""
        wanted = urlencode({name: one for name, one in query.items() if one is not None})
        found: list[dict[str, Any]] = self._call("GET", f"/internal/v1/audit?{wanted}")["entries"]
        return found

    def audit_entry(self, entry_id: str) -> dict[str, Any]:
        """Return one entry of the audit log."""
        found: dict[str, Any] = self._call("GET", f"/internal/v1/audit/{part(entry_id)}")
        return found

    def request(self, request_id: str) -> dict[str, Any]:
        """Return a subject request, whoever's it is."""
        found: dict[str, Any] = self._call(
            "GET", f"/internal/v1/subject-requests/{part(request_id)}"
        )
        return found

    def decide(self, request_id: str, decision: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Take an operator's decision on a request, such as `refusal`; return it as it stands then."""
        path = f"/internal/v1/subject-requests/{part(request_id)}/{decision}"
        found: dict[str, Any] = self._call("POST", path, dict(body))
        return found

    def place_hold(self, body: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """Place a legal hold; return it. With the same key and body it is placed once."""
        headers = {"Idempotency-Key": key} if key else {}
        placed: dict[str, Any] = self._call("POST", "/internal/v1/holds", dict(body), headers)
        return placed

    def lift_hold(self, hold_id: str, *, reason: str) -> dict[str, Any]:
        """Lift a legal hold; return it."""
        body = {"reason": reason}
        lifted: dict[str, Any] = self._call(
            "POST", f"/internal/v1/holds/{part(hold_id)}/lift", body
        )
        return lifted

    def prove_identity(
        self, request_id: str, *, reason: str, proven_at: str | None, level: Level
    ) -> dict[str, Any]:
        """Take it as proven who asks; return the request, which is open then."""
        body = {"reason": reason} | ({"proven_at": proven_at} if proven_at else {})
        if level is not Level.HIGH:
            body["level"] = level.value  # an intake of before knows none, and takes it as high
        return self.decide(request_id, "identity:prove", body)

    def prove_authority(
        self, request_id: str, *, reason: str, evidence: str | None
    ) -> dict[str, Any]:
        """Take it as shown that somebody may ask for another person; return the request."""
        body = {"reason": reason} | ({"evidence": evidence} if evidence else {})
        return self.decide(request_id, "authority:prove", body)

    def grant_appeal(self, request_id: str, *, reason: str) -> dict[str, Any]:
        """Grant an appeal; return the request, which is open then."""
        return self.decide(request_id, "appeal:grant", {"reason": reason})

    def letters(self, request_id: str) -> dict[str, Any]:
        """Return how the letters about a request stand."""
        path = f"/internal/v1/subject-requests/{part(request_id)}/letters"
        found: dict[str, Any] = self._call("GET", path)
        return found

    def give_up_letter(self, request_id: str, *, kind: str, reason: str) -> None:
        """Give up a letter; what waits for it goes on."""
        path = f"/internal/v1/subject-requests/{part(request_id)}/letters:give-up"
        self._call("POST", path, {"kind": kind, "reason": reason})

    def send_letter_again(self, request_id: str, *, kind: str, reason: str) -> None:
        """Have a letter tried again that has bounced."""
        path = f"/internal/v1/subject-requests/{part(request_id)}/letters:send-again"
        self._call("POST", path, {"kind": kind, "reason": reason})

    def package(self, request_id: str) -> dict[str, Any]:
        """Return how the package of an access request stands."""
        path = f"/internal/v1/subject-requests/{part(request_id)}/package"
        found: dict[str, Any] = self._call("GET", path)
        return found

    def decide_package(self, request_id: str, action: str, *, reason: str) -> None:
        """Mail a new `link` to a package, `revoke` those that there are, `release` what is there, or `accept` it."""
        path = f"/internal/v1/subject-requests/{part(request_id)}/package:{action}"
        self._call("POST", path, {"reason": reason})

    def settlements(self, request_id: str) -> list[dict[str, Any]]:
        """Return the answers that were proposed in place of systems, the oldest first."""
        path = f"/internal/v1/subject-requests/{part(request_id)}/settlements"
        found: list[dict[str, Any]] = self._call("GET", path)["settlements"]
        return found

    def links(self, request_id: str | None) -> list[dict[str, Any]]:
        """Return the links that wait for people, or every step of one request's, the oldest first."""
        path = "/internal/v1/links"
        if request_id is not None:
            path = f"/internal/v1/subject-requests/{part(request_id)}/links"
        found: list[dict[str, Any]] = self._call("GET", path)["links"]
        return found

    def holds(self) -> list[dict[str, Any]]:
        """Return every legal hold, the newest first."""
        found: list[dict[str, Any]] = self._call("GET", "/internal/v1/holds")["holds"]
        return found

    def breaker(self) -> dict[str, Any]:
        """Return where the breaker stands, and what was proposed, the newest first."""
        found: dict[str, Any] = self._call("GET", "/internal/v1/breaker")
        return found

    def propose_release(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Propose that erasures go on; return the proposal."""
        made: dict[str, Any] = self._call("POST", "/internal/v1/breaker/releases", dict(body))
        return made

    def approve_release(self, release_id: str) -> dict[str, Any]:
        """Let erasures go on, as another person proposed; return the release."""
        path = f"/internal/v1/breaker/releases/{part(release_id)}/approval"
        released: dict[str, Any] = self._call("POST", path, {})
        return released

    def suppressions(self) -> list[dict[str, Any]]:
        """Return how long the suppression list is, by kind and key."""
        found: list[dict[str, Any]] = self._call("GET", "/internal/v1/suppressions")["lists"]
        return found

    def check_suppressions(self, identifiers: Sequence[Mapping[str, str]]) -> list[Any]:
        """Return what the suppression list has of each identifier."""
        body = {"identifiers": [dict(one) for one in identifiers]}
        rows: list[Any] = self._call("POST", "/v1/suppressions/check", body)["rows"]
        return rows

    def opt_in(self, body: Mapping[str, Any]) -> int:
        """Take a person off the suppression list; return how many entries have ended."""
        return int(self._call("POST", "/v1/suppressions/opt-in", dict(body))["ended"])

    def breaker_refusals(self) -> list[dict[str, Any]]:
        """Return what was to be refused together, the newest first."""
        found: dict[str, Any] = self._call("GET", "/internal/v1/breaker/refusals")
        return list(found["refusals"])

    def propose_breaker_refusal(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Propose that what waits is refused; return the proposal."""
        made: dict[str, Any] = self._call("POST", "/internal/v1/breaker/refusals", dict(body))
        return made

    def approve_breaker_refusal(self, refusal_id: str) -> dict[str, Any]:
        """Have what waits refused, as another person proposed; return the refusal."""
        path = f"/internal/v1/breaker/refusals/{part(refusal_id)}/approval"
        refused: dict[str, Any] = self._call("POST", path, {})
        return refused

    def keys(self) -> dict[str, Any]:
        """Return how the key-encryption keys stand."""
        found: dict[str, Any] = self._call("GET", "/internal/v1/keys")
        return found

    def renew_key(self, *, reason: str) -> str:
        """Have a new key-encryption key wrap from now on; return its name."""
        return str(self._call("POST", "/internal/v1/keys:renew", {"reason": reason})["kek_id"])

    def rewrap_keys(self, limit: int, *, reason: str) -> dict[str, Any]:
        """Wrap some requests' keys anew; return how far that is."""
        body = {"limit": limit, "reason": reason}
        done: dict[str, Any] = self._call("POST", "/internal/v1/keys:rewrap", body)
        return done

    def rehash(self, limit: int, *, reason: str) -> dict[str, Any]:
        """Make some requests' keyed hashes anew; return how far that is."""
        body = {"limit": limit, "reason": reason}
        done: dict[str, Any] = self._call("POST", "/internal/v1/keys:rehash", body)
        return done

    def destroy_key(self, kek_id: str, *, reason: str) -> None:
        """Destroy a key-encryption key that wraps nothing."""
        query = urlencode({"reason": reason})
        self._call("DELETE", f"/internal/v1/keys/{part(kek_id)}?{query}")

    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        try:
            response = httpx.request(
                method,
                self._connection.url + path,
                json=body,
                headers={"Authorization": f"Bearer {self._connection.token}", **(headers or {})},
                timeout=30,
            )
        except httpx.HTTPError as error:
            raise ApiError(
                f"intake at {self._connection.url} cannot be reached; `dsr stack status` says more"
            ) from error
        if response.is_error:
            try:
                detail = response.json().get("detail", "")
            except ValueError:
                detail = ""
            raise ApiError(f"{response.status_code} {detail}", status=response.status_code)
        return response.json() if response.content else None
