"""Two types that do little: OS::Heat::AccessPolicy, and OS::Heat::HARestarter, which is gone.

Purpose: a list of resources that a user inside the stack may read, and a
placeholder for what old stacks contain. Invariant: neither touches the cloud.
Neighbours: ``basic`` has the placeholder's base.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from heat.resources.base import Resource
from heat.resources.heat.basic import NoneResource
from heat.schema import List, Support, deprecated, hidden


class AccessPolicy(Resource):
    """Resource for defining which resources can be accessed by users.

    NOTE: Now this resource is heavily associated with an AWS user resource,
    than any OpenStack user.

    Resource for defining resources that users are allowed to access by the
    DescribeStackResource API.
    """

    type = 'OS::Heat::AccessPolicy'
    support = Support()
    pure = True

    class properties:
        AllowedResources = List(
            'Resources that users are allowed to access by the DescribeStackResource API.', required=True)

    @classmethod
    def validate_among(cls, props: Mapping[str, Any], names: Collection[str]) -> Iterable[str]:
        given = props.get('AllowedResources')
        # A list that is not known yet is not looked into.
        for name in given if isinstance(given, list) else ():
            if isinstance(name, str) and name not in names:
                yield f'AccessPolicy resource {name} not in stack'


class HARestarter(NoneResource):
    """A placeholder for the HARestarter of old stacks; it does nothing."""

    type = 'OS::Heat::HARestarter'
    title = 'HARestarter'
    open = True
    support = hidden('10.0.0', deprecated('2015.1'), message=(
        'The HARestarter resource type has been removed. Existing stacks containing HARestarter resources '
        'can still be used, but the HARestarter resource will be a placeholder that does nothing.'))
