"""Whom an HTTPS server must be vouched for by, and how old its TLS may be."""

import ssl
from collections.abc import Mapping
from pathlib import Path

from evalsvc.errors import UsageError

_HINT = "It is a text file with -----BEGIN CERTIFICATE----- in it, in PEM format."
_VARIABLE = "SSL_CERT_FILE"


def tls_context(environ: Mapping[str, str], ca_file: Path | None = None, *, place: str = "model.ca_file") -> ssl.SSLContext:
    """TLS 1.2 or newer; trusted are the system's authorities, those in SSL_CERT_FILE and those in `ca_file`.

    UsageError for a file that cannot be read or holds no certificate; `place` is where `ca_file` was written.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # OpenSSL itself looks at the process's variable only, not at .env, and says nothing of a file that is not there
    if named := environ.get(_VARIABLE):
        _trust(context, Path(named), _VARIABLE)
    if ca_file is not None:
        _trust(context, ca_file, place)
    return context


def _trust(context: ssl.SSLContext, path: Path, place: str) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise UsageError(f"{place}: {path} holds no certificate", hint=_HINT) from error
    except OSError as error:
        raise UsageError(f"{place}: {path} cannot be read: {error.strerror}", hint=_HINT) from error
