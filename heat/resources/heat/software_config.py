"""Configurations to be deployed or booted with: SoftwareConfig and its kin.

Purpose: each type makes one row of the table of software configurations.
Invariant: the row is written in the commit that says so on the resource; its
content comes from the properties and is kept nowhere in clear. Neighbours:
``software_deployment`` deploys them, ``server_agent`` boots with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from email import message_from_string
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any, ClassVar

from heat.common.ids import derived_id
from heat.common.text import flaw
from heat.model.op import ReadConfig, Record, Shelve, StepFailed
from heat.model.resource import Row
from heat.model.software import DropConfig, PutConfig
from heat.model.software import SoftwareConfig as Config
from heat.resources.base import Resource, Steps
from heat.schema import Any_, Attr, Boolean, List, Map, Property, String, Support
from heat.template.load import text_of

UNGROUPED = 'Heat::Ungrouped'
UUID = re.compile(r'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', re.IGNORECASE)
KINDS = ('String', 'Number', 'CommaDelimitedList', 'Json', 'Boolean')


def inputs() -> Property:
    return List('The inputs of the configuration, each with a name that its content may use.', of=Map(keys={
        'name': String('Name of the input.', required=True),
        'description': String('What the input is for.'),
        'type': String('Type of its value.', values=KINDS, default='String'),
        'default': Any_('Its value where the deployment gives none.'),
        'replace_on_change': Boolean(
            'Replace the deployment, instead of updating it, when the value changes.', default=False)}))


def outputs() -> Property:
    return List('The values that the server tells when it has applied the configuration.', of=Map(keys={
        'name': String('Name of the output.', required=True),
        'description': String('What the output tells.'),
        'type': String('Type of its value.', values=KINDS, default='String'),
        'error_output': Boolean('The deployment has failed if this output has a value.', default=False)}))


def options() -> Property:
    return Map('Options of the tool that applies the configuration.')


class ConfigAttributes:
    config = Attr('The content of the configuration.', type='String')


# Of the columns that properties end in.
WIDTHS = {'name': 255, 'group': 255, 'server': 36}


def too_long(props: Mapping[str, Any]) -> Iterable[str]:
    """Sentences about properties of configurations and deployments that cannot be kept."""
    for name, most in WIDTHS.items():
        value = props.get(name)
        if isinstance(value, str) and (said := flaw(value, most)):
            yield f'The {name} {said}.'


class StoredConfig(Resource):
    """Base of types that are a row of the table. ``content`` is pure but for what it reads."""

    attributes = ConfigAttributes
    group: ClassVar[str] = UNGROUPED
    private_attributes = True

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        yield from too_long(props)

    def create(self) -> Steps:
        props = self.props
        for said in too_long(props):
            raise StepFailed(said)
        config_id = derived_id(self.row.uuid)
        content = yield from self.content()
        value = Config(config_id, self.physical_name(), props.get('group') or self.group,
                       self.around.stack.tenant,
                       {'config': content, 'inputs': list(props.get('inputs') or ()),
                        'outputs': list(props.get('outputs') or ()), 'options': props.get('options') or {}})
        yield Shelve((PutConfig(value),))
        yield Record(data={'content': content}, physical_id=config_id)

    def content(self) -> Steps:
        """What stands in the row as the configuration itself."""
        yield from ()
        return self.props.get('config')

    def delete(self) -> Steps:
        if self.row.physical_id is not None:
            yield Shelve((DropConfig(self.row.physical_id),))

    def read(self, names: tuple[Any, ...]) -> Steps:
        if 'show' not in names:
            return {}
        found = yield ReadConfig(self.id)
        if found is None:
            raise missing(self.id)
        return {'show': {'id': found.id, 'name': found.name, 'group': found.group, **found.config}}

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        return row.data.get('content') if name == 'config' else row.attrs.get(name)


def missing(config_id: str) -> StepFailed:
    return StepFailed(f'Software config with id {config_id} not found', 'NotFound')


class SoftwareConfig(StoredConfig):
    """A script, or whatever a tool in the server applies, with its inputs and outputs."""

    type = 'OS::Heat::SoftwareConfig'
    support = Support(version='2014.1')

    class properties:
        group = String('The tool in the server that applies it.', default=UNGROUPED)
        config = String('The content: what the tool is given.')
        options = options()
        inputs = inputs()
        outputs = outputs()


class StructuredConfig(StoredConfig):
    """A configuration that is a map and not text, for tools that read structures."""

    type = 'OS::Heat::StructuredConfig'
    support = Support(version='2014.1')

    class properties:
        group = String('The tool in the server that applies it.', default=UNGROUPED)
        config = Map('The content: what the tool is given.')
        options = options()
        inputs = inputs()
        outputs = outputs()


class SoftwareComponent(StoredConfig):
    """Several configurations of one thing, each for some of the actions of its life."""

    type = 'OS::Heat::SoftwareComponent'
    support = Support(version='2014.2')
    group = 'component'

    class properties:
        configs = List('A configuration for each action, or for several.', required=True, length=(1, None),
                       of=Map(
                           actions=List('When it is applied.', of=String(), length=(1, None),
                                        default=['CREATE', 'UPDATE']),
                           config=String('The content: what the tool is given.'),
                           tool=String('The tool in the server that applies it.', required=True)))
        inputs = inputs()
        outputs = outputs()
        options = options()

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        yield from super().validate(props)
        seen: set[str] = set()
        configs = props.get('configs')
        for one in configs if isinstance(configs, list) else ():
            actions = one.get('actions') if isinstance(one, Mapping) else None
            for action in actions if isinstance(actions, list) else ():
                if isinstance(action, str) and action in seen:
                    yield (f'Defining more than one configuration for the same action in SoftwareComponent '
                           f'is not allowed: {action}.')
                seen.add(str(action))

    def content(self) -> Steps:
        yield from ()
        return {'configs': list(self.props['configs'])}


class CloudConfig(StoredConfig):
    """A cloud-config, as cloud-init reads it, written as a map."""

    type = 'OS::Heat::CloudConfig'
    support = Support(version='2014.1')

    class properties:
        cloud_config = Map('The cloud-config.')

    def content(self) -> Steps:
        yield from ()
        return f'#cloud-config\n{text_of(self.props.get("cloud_config") or {})}'


class MultipartMime(StoredConfig):
    """Several configurations as one message, to boot with."""

    type = 'OS::Heat::MultipartMime'
    support = Support(version='2014.1')

    class properties:
        parts = List('The parts, in order.', default=[], of=Map(
            config=String('The content of the part, or the id of a configuration that has it.',
                          required=True),
            filename=String('File name of the part.'),
            subtype=String('Subtype of its content, if it is not told from it.'),
            type=String('"text" for one part, "multipart" for a message whose parts are taken.',
                        values=['text', 'multipart'], default='text')))
        group = String('The tool in the server that applies it.', default=UNGROUPED,
                       support=Support(version='14.0.0'))

    def content(self) -> Steps:
        message = MIMEMultipart()
        for part in self.props.get('parts') or ():
            text = part['config']
            if UUID.match(text):
                found = yield ReadConfig(text)
                if found is None:
                    raise missing(text)
                text = str(found.config.get('config') or '')
            if part['type'] == 'multipart':
                inner = message_from_string(text)
                for below in inner.get_payload() if inner.is_multipart() else ():
                    message.attach(below)
            else:
                message.attach(text_part(text, part.get('subtype') or subtype_of(text), part.get('filename')))
        # The same parts give the same text, so a repeated step changes nothing.
        message.set_boundary(f'==============={self.row.uuid.replace("-", "")}==')
        return message.as_string()


def text_part(text: str, subtype: str, filename: str | None) -> MIMEText:
    part = MIMEText(text, subtype, 'us-ascii' if text.isascii() else 'utf-8')
    if filename:
        part.add_header('Content-Disposition', 'attachment', filename=filename)
    return part


def subtype_of(text: str) -> str:
    """The subtype that cloud-init tells from the first line."""
    for start, subtype in (('#!', 'x-shellscript'), ('#cloud-config', 'cloud-config'),
                           ('#include', 'x-include-url'), ('#part-handler', 'part-handler'),
                           ('#cloud-boothook', 'cloud-boothook'), ('#upstart-job', 'upstart-job')):
        if text.startswith(start):
            return subtype
    return 'plain'
