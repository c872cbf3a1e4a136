"""What of a survey file its readers see: by role, not expired, under the beacon ids of today."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final, get_args

from localizer.errors import SurveyError
from localizer.scans import Fingerprint, Role, Session
from localizer.site import Site, site_to_toml
from localizer.survey.changes import present_readings, read_changes
from localizer.survey.file import SurveyFile
from localizer.survey.fingerprints import read_fingerprints
from localizer.survey.sessions import Sessions

ROLES: Final[tuple[Role, ...]] = get_args(Role)

DEVELOPMENT: Final[tuple[Role, ...]] = ("development",)


class Reader:
    """Reads what may be read at the moment of the call."""

    def __init__(self, file: SurveyFile, utc_now: Callable[[], datetime]) -> None:
        self._file = file
        self._utc_now = utc_now

    def sessions(self, roles: Iterable[Role], ids: Collection[str] | None = None) -> list[Session]:
        """Return the sessions with one of the roles, of those ids, that have not expired.

        Raises:
            SurveyError: a role or an id is unknown.
        """
        wanted = set(roles)
        unknown_roles = wanted - set(ROLES)
        if unknown_roles:
            raise SurveyError(f"roles must be of {ROLES}, but got {sorted(unknown_roles)}")
        known = Sessions(self._file).all()
        unknown = set(ids or ()) - {session.id for session in known}
        if unknown:
            raise SurveyError(
                f"sessions must be of {[one.id for one in known]}, but got {sorted(unknown)}",
                path=self._file.path,
            )
        by_role = [one for one in known if one.role in wanted and not self.has_expired(one)]
        return [one for one in by_role if ids is None or one.id in ids]

    def has_expired(self, session: Session) -> bool:
        """Return whether nobody may read the session any more."""
        return session.expires_utc is not None and session.expires_utc <= self._utc_now()

    def fingerprints(
        self,
        roles: Iterable[Role],
        ids: Collection[str] | None = None,
        *,
        labelled: bool | None = None,
    ) -> Iterator[Fingerprint]:
        """Return an iterator over the fingerprints of `sessions(roles, ids)`, oldest first.

        Raises:
            SurveyError: a role or an id is unknown, or the file is damaged.
        """
        return self._present([session.id for session in self.sessions(roles, ids)], labelled)

    def _present(self, sessions: list[str], labelled: bool | None) -> Iterator[Fingerprint]:
        changes = read_changes(self._file)
        for fingerprint, _ in read_fingerprints(self._file, sessions, labelled=labelled):
            scan = fingerprint.scan
            readings = present_readings(scan.readings, fingerprint.time_utc, changes)
            if readings is scan.readings:
                yield fingerprint
            else:
                yield replace(fingerprint, scan=replace(scan, readings=readings))

    def data_hash(self, site: Site, roles: Iterable[Role]) -> str:
        """Return the SHA-256 of what a reader with these roles sees.

        Raises:
            SurveyError: a role is unknown, or the file is damaged.
        """
        # Lines are made of what this package holds.
        from localizer.survey_lines import fingerprint_to_line, session_to_line

        digest = hashlib.sha256(site_to_toml(site).encode("utf-8"))
        chosen = self.sessions(roles)
        for session in chosen:
            digest.update(session_to_line(session))
        for fingerprint in self.fingerprints(ROLES, [session.id for session in chosen]):
            digest.update(fingerprint_to_line(fingerprint))
        return digest.hexdigest()
