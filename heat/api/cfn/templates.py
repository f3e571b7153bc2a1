"""Templates that requests bring or mean: read, checked, described.

Purpose: TemplateBody and TemplateURL -> a template; the capabilities it needs;
ValidateTemplate, GetTemplate, GetTemplateSummary, EstimateTemplateCost.
Invariant: the same reader and the same limits as in the orchestration API.
Neighbours: ``stacks`` creates and updates with what is read here. Like AWS, we
ask for a capability before IAM types make users and keys: nobody shall get them
unawares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from heat.api.cfn import reviews, shapes
from heat.api.cfn.faults import Fault, refused
from heat.api.cfn.query import Query
from heat.api.cfn.render import Loose
from heat.api.rest.instantiation import Instantiation
from heat.common import errors

IAM, NAMED_IAM, AUTO_EXPAND = 'CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM', 'CAPABILITY_AUTO_EXPAND'
CAPABILITIES = (IAM, NAMED_IAM, AUTO_EXPAND)
# Properties by which IAM resources get a name of the user's choice. An access key names its user by
# the same word that names a user.
NAMES = {'AWS::IAM::User': 'UserName', 'AWS::IAM::Role': 'RoleName', 'AWS::IAM::Group': 'GroupName',
         'AWS::IAM::InstanceProfile': 'InstanceProfileName', 'AWS::IAM::ManagedPolicy': 'ManagedPolicyName'}
STAGES = ('Original', 'Processed')
# A type that takes any property and has any attribute, and the ends of types that are templates.
ANYTHING, DOCUMENTS = 'OS::Heat::None', ('.yaml', '.template')


def sent(query: Query) -> dict[str, Any] | None:
    """The template that came with the request, None if it names none. Fault for a faulty one."""
    body, url = query.get('TemplateBody'), query.get('TemplateURL')
    if body and url:
        raise refused('TemplateBody and TemplateURL may not be used together')
    if not body and not url:
        return None
    try:
        return Instantiation({'template': body} if body else {'template_url': url}, query.conf).template
    except errors.RequestLimitExceeded as error:
        raise refused(str(error)) from error


def unread(error: Exception, what: str) -> str:
    """Why a document could not be read, in its own name: the reader speaks of templates."""
    return str(error).replace('retrieve template', f'retrieve {what}')


def needed(query: Query) -> dict[str, Any]:
    """As ``sent``, where there must be one."""
    template = sent(query)
    if template is None:
        raise refused('Either Template URL or Template Body must be specified.')
    return template


def resources(template: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, definition) of resources that are mappings; the engine refuses all others."""
    section = template.get('Resources') or template.get('resources')
    for name, definition in (section.items() if isinstance(section, Mapping) else ()):
        if isinstance(definition, Mapping):
            yield str(name), definition


def types(template: Mapping[str, Any]) -> list[str]:
    found = (definition.get('Type', definition.get('type')) for _, definition in resources(template))
    return list(dict.fromkeys(kind for kind in found if isinstance(kind, str)))


def declared_transforms(template: Mapping[str, Any]) -> list[str]:
    found = template.get('Transform') or []
    names = (one.get('Name') if isinstance(one, Mapping) else one
             for one in (found if isinstance(found, list) else [found]))
    return [name for name in names if isinstance(name, str)]


def asked(template: Mapping[str, Any]) -> tuple[list[str], str | None]:
    """The capabilities that a template needs, and why."""
    wanted, because = [], []
    iam = [(kind, one.get('Properties', one.get('properties'))) for _, one in resources(template)
           if (kind := str(one.get('Type', one.get('type')))).startswith('AWS::IAM::')]
    if iam:
        named = any(isinstance(given, Mapping) and NAMES.get(kind) in given for kind, given in iam)
        wanted.append(NAMED_IAM if named else IAM)
        kinds = sorted({kind for kind, _ in iam})
        because.append(f'The following resource(s) require capabilities: [{", ".join(kinds)}]')
    if template.get('Transform'):
        wanted.append(AUTO_EXPAND)
        because.append('The template has transforms')
    return wanted, '; '.join(because) or None


def check(query: Query, template: Mapping[str, Any]) -> None:
    """Fault unless the request's Capabilities and ResourceTypes allow the template."""
    given = set(query.get('Capabilities', ()))
    if NAMED_IAM in given:
        given.add(IAM)
    missing = [one for one in asked(template)[0] if one not in given]
    if missing:
        raise Fault('InsufficientCapabilitiesException', f'Requires capabilities : [{", ".join(missing)}]')
    allowed = query.get('ResourceTypes')
    for kind in types(template) if allowed else ():
        if not any(kind == one or (one.endswith('*') and kind.startswith(one[:-1])) for one in allowed):
            raise refused(f'Resource type {kind} is not allowed by parameter ResourceTypes {allowed}')


def _described(query: Query, template: dict[str, Any]) -> dict[str, Any]:
    described = query.engine('validate_template', template=template, params=None, files={}, show_nested=False,
                             environment_files=None, files_container=None, ignorable_errors=None)
    if 'Error' in described:
        raise refused(f'Template format error: {described["Error"]}')
    return described


def validate(query: Query) -> dict[str, Any]:
    """ValidateTemplate."""
    template = needed(query)
    described = _described(query, template)
    wanted, why = asked(template)
    return {'Description': described.get('Description'),
            'Parameters': [shapes.declared(*one) for one in described['Parameters'].items()],
            'Capabilities': wanted, 'CapabilitiesReason': why,
            'DeclaredTransforms': declared_transforms(template) or None}


def summary(query: Query) -> dict[str, Any]:
    """GetTemplateSummary, of a template sent or that of a stack."""
    template = sent(query)
    if template is not None and query.get('StackName'):
        raise refused('Only one of StackName, TemplateBody and TemplateURL may be given')
    if template is None:
        if not query.get('StackName'):
            raise refused('One of StackName, TemplateBody and TemplateURL must be given')
        query.call.allow('cloudformation:GetTemplate')
        template = query.engine('get_template', stack_identity=query.stack)
    lenient = query.get('TemplateSummaryConfig', {}).get('TreatUnrecognizedResourceTypesAsWarnings')
    unrecognised = _unrecognised(query, template) if lenient else []
    described = _described(query, _without(template, unrecognised))
    wanted, why = asked(template)
    by_type: dict[str, list[str]] = {}
    for name, definition in resources(template):
        by_type.setdefault(str(definition.get('Type', definition.get('type'))), []).append(name)
    version = template.get('AWSTemplateFormatVersion') or template.get('heat_template_version') \
        or template.get('HeatTemplateFormatVersion')
    metadata = template.get('Metadata')
    return {'Parameters': [shapes.summarised(*one) for one in described['Parameters'].items()],
            'Description': described.get('Description'), 'Capabilities': wanted, 'CapabilitiesReason': why,
            'ResourceTypes': types(template), 'Version': None if version is None else str(version),
            'Metadata': None if metadata is None else Loose(metadata),
            'DeclaredTransforms': declared_transforms(template) or None,
            'Warnings': {'UnrecognizedResourceTypes': unrecognised} if lenient else None,
            'ResourceIdentifierSummaries': [{'ResourceType': kind, 'LogicalResourceIds': names}
                                            for kind, names in by_type.items()]}


def _unrecognised(query: Query, template: Mapping[str, Any]) -> list[str]:
    known = set(query.engine('list_resource_types', support_status=None, type_name=None, heat_version=None,
                             with_description=False))
    return [kind for kind in types(template) if kind not in known and not kind.endswith(DOCUMENTS)]


def _without(template: dict[str, Any], kinds: list[str]) -> dict[str, Any]:
    """The template with resources of ``kinds`` made to stand for anything."""
    if not kinds:
        return template
    section = 'Resources' if 'Resources' in template else 'resources'
    key = 'Type' if section == 'Resources' else 'type'
    anything = {name: {**one, key: ANYTHING} for name, one in resources(template) if one.get(key) in kinds}
    return {**template, section: {**template[section], **anything}}


def get(query: Query) -> dict[str, Any]:
    """GetTemplate, of a stack or of a change set; Processed has its macros worked out."""
    stage = query.get('TemplateStage')
    if query.get('ChangeSetName'):
        both = query.engine('get_plan_template', plan_id=reviews.find(query)['id'])
        return _staged(both['template'] if stage == STAGES[0] else both['processed'])
    if not query.get('StackName'):
        raise refused("Value at 'StackName' must not be null or empty.")
    if stage == STAGES[1]:
        return _staged(query.engine('get_processed_template', stack_identity=query.stack))
    return _staged(query.engine('get_template', stack_identity=query.stack))


def _staged(template: dict[str, Any]) -> dict[str, Any]:
    return {'TemplateBody': Loose(template), 'StagesAvailable': list(STAGES)}


def estimate(query: Query) -> dict[str, str]:
    """EstimateTemplateCost: this cloud sends no bills by the hour."""
    sent(query)
    return {'Url': 'http://en.wikipedia.org/wiki/Gratis'}
