"""Every fault the service can name, as one class each.

Purpose: the class name is the fault's ``type`` on the wire, and the message is
matched by existing clients, so names and messages follow the recorded
interface. Invariant: an error carries plain data only (``kwargs``), so that it
crosses the bus as JSON and is rebuilt on the other side by ``from_wire``. An error
about what a user wrote also carries its ``faults``, each with its place; the first
sentence is that of the first. Neighbours: ``fault`` is one such place, ``api.faults``
maps classes to HTTP statuses, ``bus`` carries errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Self

from heat.common import fault as places
from heat.common.fault import LONGEST_MESSAGE, MAX_TOLD, TEMPLATE, Fault, path_text, shortened, value_text

__all__ = ['Fault', 'path_text']


class HeatException(Exception):
    """Base of all expected errors. ``str(e)`` is the sentence shown to users."""

    msg_fmt = 'An unknown exception occurred.'
    safe = True
    faults: tuple[Fault, ...] = ()
    # Faults found and not told.
    untold = 0
    # What faults of this class are about.
    kind = ''

    def __init__(self, **kwargs: Any) -> None:
        self.kwargs = kwargs
        try:
            self.message = self.msg_fmt % kwargs
        except (KeyError, TypeError):
            self.message = self.msg_fmt
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    def at(self, path: Iterable[Any], *, value: Any = None, expected: str | None = None,
           suggestion: str | None = None, source: str = TEMPLATE, kind: str | None = None,
           said: str | None = None) -> Self:
        """Itself as one fault at ``path``."""
        return self.told((Fault(
            self.message, places.keys(path), value_text(value), expected, suggestion, source=source,
            kind=self.kind if kind is None else kind, said=self._bare() if said is None else said),))

    def _bare(self) -> str | None:
        """The sentence without its place, if it names that."""
        return None

    def told(self, faults: Iterable[Fault], untold: int = 0) -> Self:
        """Itself with ``faults``, whose sentences become its message; ``untold`` more are counted."""
        self.faults = tuple(one if len(one.message) <= LONGEST_MESSAGE else
                            replace(one, message=shortened(one.message, LONGEST_MESSAGE)) for one in faults)
        self.untold = untold
        if self.faults:
            sentences = dict.fromkeys(one.message for one in self.faults)
            self.message = '\n'.join([*sentences, *places.remaining(untold)])
            self.args = (self.message,)
        return self

    def copied(self) -> Self:
        """Another of the same class and sentence, which may be told more of."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made

    def within(self, path: Iterable[Any], source: str | None = None) -> Self:
        """Itself with its faults at places below ``path``; itself as one fault there if it has none."""
        if not self.faults:
            return self.at(path, source=source or TEMPLATE)
        above = places.keys(path)
        self.faults = tuple(replace(one, path=above + one.path, source=source or one.source)
                            for one in self.faults)
        return self

    def masked(self, secrets: Iterable[str]) -> Self:
        """Itself with none of ``secrets`` in any sentence."""
        secrets = [secret for secret in secrets if secret]
        if secrets:
            self.kwargs = {name: places.masked(value, secrets) if isinstance(value, str) else value
                           for name, value in self.kwargs.items()}
            self.told([one.masked(secrets) for one in self.faults or (Fault(self.message),)], self.untold)
        return self

    def to_wire(self) -> dict[str, Any]:
        """``{'class', 'message', 'kwargs'}``; values that are not JSON become text.

        ``faults`` and ``untold`` are added where there are faults; who does not know them
        reads the message.
        """
        data: dict[str, Any] = {
            'class': type(self).__name__, 'message': self.message,
            'kwargs': {k: v if isinstance(v, (str, int, float, bool, type(None))) else str(v)
                       for k, v in self.kwargs.items()}}
        if self.faults:
            data |= {'faults': [one.to_wire() for one in self.faults], 'untold': self.untold}
        return data


class HeatExceptionWithPath(HeatException):
    """``<error>: <path joined by dots>: <message>``, the classic layout."""

    msg_fmt = '%(error)s%(path)s%(message)s'

    def __init__(self, error: str | None = None, path: list[Any] | str | None = None,
                 message: Any = '') -> None:
        self.error = error or ''
        self.path = path_text(path)
        self.error_message = str(message)
        super().__init__(
            error=f'{self.error}: ' if self.error else '',
            path=f'{self.path}: ' if self.path else '',
            message=self.error_message)
        self.kwargs = {'error': self.error, 'path': self.path, 'message': self.error_message}
        if isinstance(path, (list, tuple)) and path:
            self.at(path)

    def _bare(self) -> str | None:
        # By now the message may be that of several.
        parts = (self.error, self.error_message)
        return ': '.join(part for part in parts if part) if self.path else None


class ActionInProgress(HeatException):
    msg_fmt = 'Stack %(stack_name)s already has an action (%(action)s) in progress.'


class ActionNotComplete(HeatException):
    msg_fmt = 'Stack %(stack_name)s has an action (%(action)s) in progress or failed state.'


class AuthorizationFailure(HeatException):
    msg_fmt = 'Authorization failed.%(failure_reason)s'


class CircularDependencyException(HeatException):
    kind = places.CIRCLE
    msg_fmt = 'Circular Dependency Found: %(cycle)s'


class ClientNotAvailable(HeatException):
    msg_fmt = 'The client (%(client_name)s) is not available.'


class ConcurrentTransaction(HeatException):
    msg_fmt = 'Concurrent transaction for %(action)s'


class ConflictingMergeStrategyForParam(HeatException):
    msg_fmt = ("Conflicting merge strategy '%(strategy)s' for parameter '%(param)s' in file "
               "'%(env_file)s'.")


class DownloadLimitExceeded(HeatException):
    msg_fmt = 'Permissible download limit exceeded: %(message)s'


class EgressRuleNotAllowed(HeatException):
    msg_fmt = "Egress rules are only allowed when Neutron is used and the 'VpcId' property is set."


class EntityExists(HeatException):
    """Ours: something of that name is there already."""

    msg_fmt = 'The %(entity)s (%(name)s) already exists.'


class EntityMatchNotFound(HeatException):
    msg_fmt = 'No %(entity)s matching %(args)s.'


class EntityNotFound(HeatException):
    msg_fmt = 'The %(entity)s (%(name)s) could not be found.'


class EntityUniqueMatchNotFound(EntityMatchNotFound):
    msg_fmt = 'No %(entity)s unique match found for %(args)s.'


class Error(HeatException):
    msg_fmt = '%(message)s'


class EventSendFailed(HeatException):
    msg_fmt = 'Failed to send message to stack (%(stack_name)s) on other engine (%(engine_id)s)'


class Forbidden(HeatException):
    msg_fmt = 'You are not authorized to use %(action)s.'


class GenerationPassed(HeatException):
    """Ours: the request was for a stack as it no longer is."""

    msg_fmt = 'The Stack (%(stack_name)s) is at generation %(generation)s, which is not the one asked for.'


class ImmutableParameterModified(HeatException):
    msg_fmt = 'The following parameters are immutable and may not be updated: %(keys)s'


class IncompatibleObjectVersion(HeatException):
    msg_fmt = 'Version %(objver)s of %(objname)s is not supported'


class InterfaceAttachFailed(HeatException):
    msg_fmt = 'Failed to attach interface (%(port)s) to server (%(server)s)'


class InterfaceDetachFailed(HeatException):
    msg_fmt = 'Failed to detach interface (%(port)s) from server (%(server)s)'


class InterfaceNotFound(HeatException):
    msg_fmt = 'No network interface found for server %(id)s.'


class Invalid(HeatException):
    msg_fmt = 'Data supplied was not valid: %(reason)s'


class InvalidBreakPointHook(HeatException):
    msg_fmt = '%(message)s'


class InvalidContentType(HeatException):
    msg_fmt = 'Invalid content type %(content_type)s'


class InvalidEncryptionKey(HeatException):
    msg_fmt = 'Can not decrypt data with the auth_encryption_key in heat config.'


class InvalidExternalResourceDependency(HeatException):
    msg_fmt = 'Invalid dependency with external %(resource_type)s resource: %(external_id)s'


class InvalidGlobalResource(HeatException):
    msg_fmt = ('There was an error loading the definition of the global resource type '
               '%(type_name)s.')


class InvalidMergeStrategyForParam(HeatException):
    msg_fmt = "Invalid merge strategy '%(strategy)s' for parameter '%(param)s'."


class InvalidRestrictedAction(HeatException):
    msg_fmt = '%(message)s'


class InvalidSchemaError(HeatException):
    kind = places.PARAMETER
    msg_fmt = '%(message)s'


class InvalidServiceVersion(HeatException):
    msg_fmt = 'Invalid service %(service)s version %(version)s'


class InvalidTemplateAttribute(HeatException):
    msg_fmt = 'The Referenced Attribute (%(resource)s %(key)s) is incorrect.'


class InvalidTemplateReference(HeatException):
    kind = places.REFERENCE
    msg_fmt = 'The specified reference "%(resource)s" (in %(key)s) is incorrect.'


class InvalidTemplateSection(HeatException):
    kind = places.SHAPE
    msg_fmt = 'The template section is invalid: %(section)s'


class InvalidTemplateVersion(HeatException):
    kind = places.SHAPE
    msg_fmt = 'The template version is invalid: %(explanation)s'


class InvalidTemplateVersions(HeatException):
    msg_fmt = ('A template version alias %(version)s was added for a template class that has '
               'no official YYYY-MM-DD version.')


class InvalidTenant(HeatException):
    msg_fmt = 'Searching Tenant %(target)s from Tenant %(actual)s forbidden.'


class KeystoneServiceNameConflict(HeatException):
    msg_fmt = ('Keystone has more than one service with same name %(service)s. Please use '
               'service id instead of name')


class MissingCredentialError(HeatException):
    msg_fmt = 'Missing required credential: %(required)s'


class NotAuthenticated(HeatException):
    msg_fmt = 'You are not authenticated.'


class NotAuthorized(Forbidden):
    msg_fmt = 'You are not authorized to complete this action.'


class NotFound(HeatException):
    pass


class NothingToUpdate(HeatException):
    msg_fmt = 'No updates are to be performed.'


class NotSupported(HeatException):
    msg_fmt = '%(feature)s is not supported.'


class ObjectActionError(HeatException):
    msg_fmt = 'Object action %(action)s failed because: %(reason)s'


class ObjectFieldInvalid(HeatException):
    msg_fmt = 'Field %(field)s of %(objname)s is not an instance of Field'


class OrphanedObjectError(HeatException):
    msg_fmt = 'Cannot call %(method)s on orphaned %(objtype)s object'


class PhysicalResourceExists(HeatException):
    msg_fmt = 'The physical resource for (%(name)s) exists.'


class PhysicalResourceIDAmbiguity(HeatException):
    msg_fmt = 'Multiple resources were found with the physical ID (%(phys_id)s).'


class PhysicalResourceNameAmbiguity(HeatException):
    msg_fmt = 'Multiple physical resources were found with name (%(name)s).'


class PropertyUnspecifiedError(HeatException):
    msg_fmt = 'At least one of the following properties must be specified: %(props)s.'


class ReadOnlyFieldError(HeatException):
    msg_fmt = 'Cannot modify readonly field %(field)s'


class RequestTokenUsed(HeatException):
    """A token that makes a request unrepeatable came with another request."""

    msg_fmt = 'The request token %(token)s was used for another request.'


class RequestLimitExceeded(HeatException):
    msg_fmt = 'Request limit exceeded: %(message)s'


class ResourceActionNotSupported(HeatException):
    msg_fmt = '%(action)s is not supported for resource.'


class ResourceActionRestricted(HeatException):
    msg_fmt = '%(action)s is restricted for resource.'


class ResourceFailure(HeatExceptionWithPath):
    pass


class ResourceInError(HeatException):
    msg_fmt = 'Went to status %(resource_status)s due to "%(status_reason)s"'


class ResourceNotAvailable(HeatException):
    msg_fmt = 'The Resource (%(resource_name)s) is not available.'


class ResourceNotFound(EntityNotFound):
    msg_fmt = 'The Resource (%(resource_name)s) could not be found in Stack %(stack_name)s.'


class ResourcePropertyConflict(HeatException):
    msg_fmt = 'Cannot define the following properties at the same time: %(props)s.'


class ResourcePropertyDependency(HeatException):
    msg_fmt = '%(prop1)s cannot be specified without %(prop2)s.'


class ResourcePropertyValueDependency(HeatException):
    msg_fmt = '%(prop1)s property should only be specified for %(prop2)s with value %(value)s.'


class ResourceTypeUnavailable(HeatException):
    kind = places.TYPE
    msg_fmt = ('HEAT-E99001 Service %(service_name)s is not available for resource type '
               '%(resource_type)s, reason: %(reason)s')


class ResourceUnknownStatus(HeatException):
    msg_fmt = '%(result)s - Unknown status %(resource_status)s due to "%(status_reason)s"'


class SnapshotNotFound(EntityNotFound):
    msg_fmt = 'The Snapshot (%(snapshot)s) for Stack (%(stack)s) could not be found.'


class SoftwareConfigInUse(InvalidRestrictedAction):
    """Known to clients as its base class."""

    msg_fmt = 'Software config with id %(config)s can not be deleted as it is referenced.'


class StackExists(HeatException):
    msg_fmt = 'The Stack (%(stack_name)s) already exists.'


class StackResourceLimitExceeded(HeatException):
    msg_fmt = 'Maximum resources per stack exceeded.'


class StackValidationFailed(HeatExceptionWithPath):
    pass


class StopActionFailed(HeatException):
    msg_fmt = 'Failed to stop stack (%(stack_name)s) on other engine (%(engine_id)s)'


class TemplateOutputError(HeatException):
    msg_fmt = 'Error in %(resource)s output %(attribute)s: %(message)s'


class TemplatePluginNotRegistered(HeatException):
    msg_fmt = 'Could not load %(name)s: %(error)s'


class UnableToAutoAllocateNetwork(HeatException):
    msg_fmt = 'Unable to automatically allocate a network: %(message)s'


class UnknownUserParameter(HeatException):
    kind = places.PARAMETER
    msg_fmt = 'The Parameter (%(key)s) was not defined in template.'


class UnsupportedObjectError(HeatException):
    msg_fmt = 'Unsupported object type %(objtype)s'


class UserParameterMissing(HeatException):
    kind = places.MISSING
    msg_fmt = 'The Parameter (%(key)s) was not provided.'


class WatchRuleNotFound(HeatException):
    msg_fmt = 'The Watch Rule (%(watch_name)s) could not be found.'


class PlanVoid(HeatException):
    """A saved plan that no longer fits what is there."""

    msg_fmt = 'Plan %(plan)s is void: %(reason)s'


class ResourceGuarded(HeatException):
    """A request that would replace or delete what it said must stay."""

    msg_fmt = 'Nothing was changed, for guarded resources would not stay: %(resources)s.'


class TerminationProtected(HeatException):
    msg_fmt = ('Stack %(stack_name)s is protected from deletion; first update it with '
               'termination_protection false.')


class NotImplementedYet(HeatException):
    """A part of the interface that this release does not serve."""

    msg_fmt = '%(feature)s is not supported.'


class RemoteError(HeatException):
    """An unexpected failure behind the bus; its text stays in the engine's log."""

    msg_fmt = 'The engine failed to serve the request; its log names request %(request_id)s.'
    safe = False


class DatabaseUnavailable(RemoteError):
    """The engine could not use its database; what was asked for may be said again."""

    msg_fmt = 'The database of the service cannot be used at the moment. Please try again later.'
    safe = True


class EngineOutdated(HeatException):
    """While engines are upgraded one by one: this one does not know yet what it was asked."""

    msg_fmt = ('The engine that got this request is of an earlier release and does not know %(asked)s yet; '
               'try again when all engines are upgraded.')


def from_wire(data: dict[str, Any]) -> HeatException:
    """Rebuild what ``to_wire`` wrote; an unknown class becomes ``RemoteError``."""
    cls = globals().get(str(data.get('class')))
    if not (isinstance(cls, type) and issubclass(cls, HeatException)):
        return RemoteError(request_id='')
    error = cls.__new__(cls)
    error.kwargs = dict(data.get('kwargs') or {})
    error.message = str(data.get('message') or '')
    Exception.__init__(error, error.message)
    if isinstance(error, HeatExceptionWithPath):
        error.error = str(error.kwargs.get('error', ''))
        error.path = str(error.kwargs.get('path', ''))
        error.error_message = str(error.kwargs.get('message', ''))
    error.faults = places.from_wire(data.get('faults'))
    error.untold = int(data.get('untold') or 0)
    return error


class Collected:
    """Errors about one text, found one after another; the first gives class and first sentence.

    What makes an error is called only while there is room to tell it, so that
    suggestions are not looked for in vain.
    """

    def __init__(self, most: int = MAX_TOLD) -> None:
        self.most = most
        self._found: list[HeatException] = []
        self._told = 0
        self._seen: set[Fault] = set()
        self.count = 0

    @property
    def full(self) -> bool:
        """Whether further faults would only be counted."""
        return self._told >= self.most

    def note(self, make: Callable[[], HeatException]) -> None:
        """One more fault."""
        if self.full:
            self.count += 1
        else:
            self.add(make())

    def add(self, error: HeatException) -> None:
        """Every fault of ``error``; what has been noted already is not noted again."""
        if error.faults and self._seen.issuperset(error.faults):
            return
        self._seen.update(error.faults)
        self.count += max(1, len(error.faults)) + error.untold
        if not self.full:
            self._found.append(error)
            self._told += max(1, len(error.faults))

    def error(self) -> HeatException | None:
        """The first error found, which tells of them all; None if there is none."""
        if not self._found:
            return None
        first = self._found[0]
        if self.count == 1:
            return first
        faults = [one for error in self._found for one in error.faults or (Fault(error.message),)]
        # What was noted stays as it is, so that more can be noted.
        return first.copied().told(faults[:self.most], self.count - len(faults[:self.most]))

    def raise_any(self) -> None:
        """Raise ``error()`` if there is one."""
        error = self.error()
        if error is not None:
            raise error
