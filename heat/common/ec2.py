"""Addresses that carry their own authentication: AWS signatures, version 2.

Purpose: sign a request's verb, host, path and parameters with an EC2 key, so that
whoever has the URL may call it once or often. Invariant: the path is signed as
it is and sent percent-encoded; host and scheme are lower case. Neighbours:
resources hand such URLs out, ``api.ec2token`` has Keystone check them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit


def signature(secret: str, verb: str, host: str, path: str, parameters: Mapping[str, str]) -> str:
    """The signature (HmacSHA256, base64) over ``parameters``, the signature itself left out."""
    query = '&'.join(f'{quote(name, safe="-_~")}={quote(parameters[name], safe="-_~")}'
                     for name in sorted(parameters))
    text = '\n'.join((verb, host, path, query))
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def signed_url(base: str, path: str, verb: str, access: str, secret: str,
               timestamp: str | None = None) -> str:
    """``base``/``path`` with a signature; ``timestamp`` (ISO 8601, UTC) bounds how long it is good for."""
    parts = urlsplit(base)
    host = parts.netloc.lower()
    whole = f'{parts.path.rstrip("/")}/{path}'
    parameters = {'SignatureMethod': 'HmacSHA256', 'SignatureVersion': '2', 'AWSAccessKeyId': access}
    if timestamp is not None:
        parameters['Timestamp'] = timestamp
    parameters['Signature'] = signature(secret, verb, host, whole, parameters)
    return f'{parts.scheme.lower()}://{host}{quote(whole, safe="/")}?{urlencode(parameters)}'
