"""AWS::IAM::User and AWS::IAM::AccessKey: users inside instances, and their keys.

Purpose: the user whose keys a template puts into its instances, so that their
agents may read metadata. Invariant: a key is made only for a user of the same
tree of stacks; its secret stands in private data alone. Neighbours:
``heat.wait_condition`` makes users, ``engine.reads_resources`` asks what they
may see.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from heat.model.op import Record, StepFailed, UserCall
from heat.model.resource import Row
from heat.resources.base import Others, Resource, Steps
from heat.resources.heat.wait_condition import StackUser
from heat.schema import Attr, Integer, List, Map, String

POLICY = 'OS::Heat::AccessPolicy'


class User(StackUser):
    """A user inside the stack."""

    type = 'AWS::IAM::User'

    class properties:
        Path = String('Not needed: users stand in no tree.')
        Groups = List('Not needed: users have no groups.')
        LoginProfile = Map('How the user logs in.', Password=String('Password; by default a random one.'))
        Policies = List('Access policies that apply; without any, the user may read the whole stack.')

    @classmethod
    def validate_among(cls, props: Mapping[str, Any], names: Collection[str]) -> Iterable[str]:
        policies = props.get('Policies')
        for policy in policies if isinstance(policies, list) else ():
            if isinstance(policy, str) and policy not in names:
                yield f'The access policy {policy} is not in the stack'

    @classmethod
    def among(cls, refers: Mapping[str, frozenset[str]], others: Others) -> Iterable[str]:
        for name in sorted(refers.get('Policies', ())):
            if name in others and others[name][0].type != POLICY:
                yield f'Policies: {name} is no {POLICY}.'

    def create(self) -> Steps:
        given = (self.props.get('LoginProfile') or {}).get('Password')
        yield Record(data={'name': self.physical_name(), **({'password': given} if given else {})})
        yield from self.create_user()

    def delete(self) -> Steps:
        yield from self.delete_user()

    @classmethod
    def reference(cls, row: Row) -> Any:
        return row.data.get('name', row.name)

    @classmethod
    def admits(cls, row: Row, wanted: Row, others: Mapping[str, Row]) -> bool:
        """Every access policy that is named must allow the resource; those in IAM's own form say nothing."""
        for policy in (row.props or {}).get('Policies') or ():
            if not isinstance(policy, str):
                continue
            named = next((one for one in others.values()
                          if one.type == POLICY and policy in (one.name, one.physical_id)), None)
            if named is None or wanted.name not in ((named.props or {}).get('AllowedResources') or ()):
                return False
        return True


class AccessKey(Resource):
    """A pair of keys of a user inside the stack."""

    type = 'AWS::IAM::AccessKey'
    private_attributes = True

    class properties:
        Serial = Integer('Not implemented.', implemented=False)
        UserName = String('The user.', required=True)
        Status = String('Not implemented.', values=['Active', 'Inactive'], implemented=False)

    class attributes:
        UserName = Attr('The user.', 'String', live=True)
        SecretAccessKey = Attr('The secret key.', 'String', live=True)

    def create(self) -> Steps:
        project = self.around.stack_user_project
        if project is None:
            raise StepFailed(f'There is no user {self.props["UserName"]} in this stack.', 'NotFound')
        data = self.row.data
        if 'secret' not in data:
            access = secrets.token_hex(16)
            # Known before the call, so that a repeated one makes no second pair.
            yield Record(physical_id=access, data={
                'access': access, 'secret': secrets.token_hex(16), 'user': self.props['UserName'],
                'project': project})
            data = self.row.data
        yield UserCall('create_keypair', {
            'user_name': data['user'], 'project_id': project, 'access': data['access'],
            'secret': data['secret']}, label='keys')

    def delete(self) -> Steps:
        data = self.row.data
        if data.get('access'):
            yield UserCall('delete_keypair', {'user_name': data['user'], 'project_id': data['project'],
                                              'access': data['access']}, label='delete keys')

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        return {'UserName': row.data.get('user'), 'SecretAccessKey': row.data.get('secret')}.get(name)
