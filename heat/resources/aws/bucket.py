"""AWS::S3::Bucket: a container of the object store in the words of CloudFormation.

Purpose: a table, and what of it stands in which header. Invariant: who is not named by
AccessControl is let in no further than the object store lets anybody of the project.
Neighbours: ``openstack.container`` has the behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.resources.aws.parts import as_map, pairs
from heat.resources.openstack.container import CONTAINER, Stored, prefixed
from heat.schema import Map, String

EVERYBODY, EVERY_USER = '.r:*', '*:*'


class Bucket(Stored):
    """A container of objects. It must be empty to be deleted."""

    type = 'AWS::S3::Bucket'
    title = 'S3Bucket'
    tags_in = 'Tags'

    class properties:
        AccessControl = String('Who may read and write; users of the project always may.', values=[
            'Private', 'PublicRead', 'PublicReadWrite', 'AuthenticatedRead', 'BucketOwnerRead',
            'BucketOwnerFullControl'])
        WebsiteConfiguration = Map('How it is shown as a web site.', IndexDocument=String('Its first page.'),
                                   ErrorDocument=String('What is shown instead of what is not there.'))
        Tags = pairs('Names and values that describe it.')

    def headers(self, props: Mapping[str, Any]) -> dict[str, str]:
        website = props.get('WebsiteConfiguration') or {}
        told = prefixed(f'{CONTAINER}S3-Tag-', as_map(props.get('Tags') or ()))
        for key, name in (('Web-Index', 'IndexDocument'), ('Web-Error', 'ErrorDocument')):
            if website.get(name):
                told[f'{CONTAINER}{key}'] = str(website[name])
        access = props.get('AccessControl')
        if access in ('PublicRead', 'PublicReadWrite'):
            told['X-Container-Read'] = EVERYBODY
        elif access == 'AuthenticatedRead':
            told['X-Container-Read'] = f'{self.around.stack.tenant}:*'
        if access == 'PublicReadWrite':
            # The object store has no writing without an account.
            told['X-Container-Write'] = EVERY_USER
        return told
