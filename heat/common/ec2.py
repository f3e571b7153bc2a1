"""AWS signatures: version 2 for addresses that carry their own authentication, 4 as clients make it.

Purpose: sign a request's verb, host, path and parameters with an EC2 key, so that
whoever has the URL may call it once or often. Invariant: the path is signed as
it is and sent percent-encoded; host and scheme are lower case. Neighbours:
resources hand such URLs out, ``api.ec2token`` has Keystone check them, the
simulated cloud checks both versions itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

_IN_HEADER = re.compile(r'(\w+)=([^,\s]+)')


def signature(secret: str, verb: str, host: str, path: str, parameters: Mapping[str, str]) -> str:
    """The signature (HmacSHA256, base64) over ``parameters``, the signature itself left out."""
    text = '\n'.join((verb, host, path, _query(parameters)))
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def signature_4(secret: str, verb: str, path: str, parameters: Mapping[str, str],
                headers: Mapping[str, str], body_hash: str) -> str:
    """The signature of version 4 (hexadecimal). KeyError or ValueError where its own terms are missing."""
    fields = dict(_IN_HEADER.findall(headers['Authorization'])) if 'Authorization' in headers else {
        name: parameters[f'X-Amz-{name}'] for name in ('Credential', 'SignedHeaders')}
    moment = headers['X-Amz-Date'] if 'X-Amz-Date' in headers else parameters['X-Amz-Date']
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    names = fields['SignedHeaders'].split(';')
    told = ''.join(f'{name}:{lower[name]}\n' for name in names if name in lower)
    request = '\n'.join((verb, path, '' if verb == 'POST' else _query(parameters), told,
                         fields['SignedHeaders'], body_hash))
    _access, day, region, service, end = fields['Credential'].split('/')
    text = '\n'.join(('AWS4-HMAC-SHA256', moment, f'{day}/{region}/{service}/{end}',
                      hashlib.sha256(request.encode()).hexdigest()))
    key = f'AWS4{secret}'.encode()
    for part in (day, region, service, end):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _query(parameters: Mapping[str, str]) -> str:
    return '&'.join(f'{quote(name, safe="-_~")}={quote(parameters[name], safe="-_~")}'
                    for name in sorted(parameters))


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
