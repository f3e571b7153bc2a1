"""The user data of a server: what cloud-init and the agents in the guest are given.

Purpose: wrap the user's script into a multipart message for images that bring
heat-cfntools or heat-agents. Invariant: pure; part names, their types and the
files they become are what those tools look for. Neighbours: ``server`` sends it.
"""

from __future__ import annotations

import email
import json
from collections.abc import Mapping
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any
from urllib.parse import urlsplit

CFNTOOLS, RAW, SOFTWARE_CONFIG = 'HEAT_CFNTOOLS', 'RAW', 'SOFTWARE_CONFIG'

CLOUD_CONFIG = """\
#cloud-config
output: {all: '| tee -a /var/log/cloud-init-output.log'}
runcmd:
  - [sh, -c, 'if command -v setenforce; then setenforce 0; fi']
"""

BOOTHOOK = """\
#!/bin/sh
# Where the parts of this message are put, readable by root alone.
mkdir -p /var/lib/heat-cfntools
chmod 0700 /var/lib/heat-cfntools
grep -q '[[:space:]]localhost' /etc/hosts || echo '127.0.0.1 localhost' >> /etc/hosts
"""

PART_HANDLER = '''\
#part-handler
"""Puts the parts meant for heat-cfntools into files."""
import os

HOME = '/var/lib/heat-cfntools'
# Where older agents look.
OLD_HOME = '/var/lib/cloud/data'


def list_types():
    return ['text/x-cfninitdata']


def write(directory, name, payload):
    if not os.path.isdir(directory):
        os.makedirs(directory, 0o700)
    path = os.path.join(directory, os.path.basename(name))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700)
    with os.fdopen(descriptor, 'wb') as out:
        out.write(payload if isinstance(payload, bytes) else payload.encode('utf-8'))


def handle_part(data, ctype, filename, payload):
    if ctype != 'text/x-cfninitdata':
        return
    write(HOME, filename, payload)
    if filename == 'cfn-init-data':
        write(OLD_HOME, filename, payload)
'''

RUN_USER_DATA = '''\
#!/bin/sh
# Runs the user's script once and keeps what it says.
script=/var/lib/heat-cfntools/cfn-userdata
log=/var/log/heat-provision.log
done=/var/lib/heat-cfntools/provision-finished
[ -s "$script" ] || { date > "$done"; exit 0; }
umask 077
echo "Provision began: $(date)" >> "$log"
"$script" >> "$log" 2>&1
code=$?
echo "Provision done: $(date), exit code $code" >> "$log"
[ "$code" -eq 0 ] && date > "$done"
exit "$code"
'''


def build(user_data: str, form: str, metadata: Mapping[str, Any], metadata_url: str = '',
          watch_url: str = '') -> str:
    """The user data in the form ``user_data_format`` asks for.

    ``metadata`` is the resource's own; ``metadata_url`` where the agents of heat-cfntools ask
    (``http://host:8000/v1/``), ``watch_url`` where they send what they measure (``http://host:8003``).
    """
    if form == RAW:
        return user_data
    message = MIMEMultipart()
    message.attach(_part(CLOUD_CONFIG, 'cloud-config'))
    message.attach(_part(BOOTHOOK, 'cloud-boothook', 'boothook.sh'))
    message.attach(_part(PART_HANDLER, 'part-handler', 'part-handler.py'))
    if form == CFNTOOLS:
        message.attach(_part(user_data, 'x-cfninitdata', 'cfn-userdata'))
        message.attach(_part(RUN_USER_DATA, 'x-shellscript', 'loguserdata.sh'))
    else:
        _attach_config(message, user_data)
    if metadata:
        message.attach(_part(json.dumps(metadata), 'x-cfninitdata', 'cfn-init-data'))
    if form == CFNTOOLS and metadata_url:
        message.attach(_part(_metadata_server(metadata_url), 'x-cfninitdata', 'cfn-metadata-server'))
        if watch_url:
            message.attach(_part(watch_url, 'x-cfninitdata', 'cfn-watch-server'))
        message.attach(_part(_boto(metadata_url, watch_url), 'x-cfninitdata', 'cfn-boto-cfg'))
    return message.as_string()


def _attach_config(message: MIMEMultipart, text: str) -> None:
    """A config that is itself a multipart message brings its parts; anything else is one part."""
    if text.startswith(('Content-Type:', 'MIME-Version:')):
        inner = email.message_from_string(text)
        if inner.is_multipart():
            for part in inner.get_payload():
                message.attach(part)
            return
    if text:
        message.attach(_part(text, 'x-shellscript' if text.startswith('#!') else 'plain', 'userdata'))


def _metadata_server(url: str) -> str:
    """The address without the version, and with a port: cfn-hup reads the number at its end."""
    base = url.rstrip('/').removesuffix('/v1')
    parts = urlsplit(base)
    if parts.port or parts.path:
        return base
    return f'{base}:{443 if parts.scheme == "https" else 80}'


def _boto(url: str, watch_url: str) -> str:
    secure = '1' if urlsplit(url).scheme == 'https' else '0'
    watch = ['cloudwatch_region_name = heat',
             f'cloudwatch_region_endpoint = {urlsplit(watch_url).hostname or ""}'] if watch_url else []
    return '\n'.join(['[Boto]', 'debug = 0', f'is_secure = {secure}', 'https_validate_certificates = 1',
                      'cfn_region_name = heat', f'cfn_region_endpoint = {urlsplit(url).hostname or ""}',
                      *watch, ''])


def _part(text: str, kind: str, name: str = '') -> MIMEText:
    try:
        text.encode('us-ascii')
        part = MIMEText(text, kind, 'us-ascii')
    except UnicodeEncodeError:
        part = MIMEText(text, kind, 'utf-8')
    if name:
        part.add_header('Content-Disposition', 'attachment', filename=name)
    return part
