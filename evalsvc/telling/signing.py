"""The signature of a webhook: who has the secret can tell that a message is ours, unchanged, and new."""

import hashlib
import hmac

HEADER = "X-Evalsvc-Signature"


def signature(secret: str, body: bytes, *, at_s: int) -> str:
    """The value of the header: `v1` is HMAC-SHA256, in hex, of the Unix time `t`, a full stop and the body.

    The time is part of what is signed, so that a message that was overheard cannot be played again later.

    >>> signature("secret", b"{}", at_s=1795140824)
    't=1795140824,v1=08533170ae1abef3a2a5d2caa26b01a1494871525115bd84d53501ed68e36ecf'
    """
    signed = hmac.new(secret.encode(), b"%d." % at_s + body, hashlib.sha256)
    return f"t={at_s},v1={signed.hexdigest()}"
