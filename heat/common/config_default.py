"""The options of the ``[DEFAULT]`` section.

Purpose: the part of the option list that operators meet first. Invariant: names,
types, defaults and bounds are those existing ``heat.conf`` files rely on; only
the options under "ours" were never there before. Neighbours: ``config`` joins
this list with ``config_groups`` and registers both.
"""

from __future__ import annotations

import socket

from oslo_config import cfg

SERVICE = [
    cfg.StrOpt('host', default=socket.gethostname(), sample_default='<Hostname>',
               help='Name of this node. Engines report it, and messages can be addressed to it; it '
                    'need not resolve.'),
    cfg.IntOpt('num_engine_workers', min=1,
               help='Number of engine processes that heat-engine starts. Unset means one per CPU, but '
                    'never fewer than four.'),
    cfg.IntOpt('periodic_interval', default=60,
               help='Seconds between two reports of an engine about itself, and between two rounds of '
                    'its periodic work.'),
    cfg.IntOpt('engine_life_check_timeout', default=2,
               help='Seconds to wait for another engine to answer before it is taken to be gone.'),
    cfg.StrOpt('environment_dir', default='/etc/heat/environment.d',
               help='Directory with the environment files that every stack sees.'),
    cfg.StrOpt('template_dir', default='/etc/heat/templates',
               help='Directory with the templates which the environment files of this node name.'),
    cfg.ListOpt('plugin_dirs',
                default=['/usr/lib64/heat', '/usr/lib/heat', '/usr/local/lib/heat', '/usr/local/lib64/heat'],
                help='Directories searched for additional resource type modules.'),
    cfg.BoolOpt('convergence_engine', default=True, deprecated_for_removal=True,
                deprecated_reason='There is one engine; stacks of either kind run on it.',
                help='Kept for existing files. Setting it to false changes nothing.'),
    cfg.StrOpt('cloud_backend', default='heat.engine.clients.OpenStackClients',
               help='Dotted name of a replacement for all OpenStack clients. Only the default is '
                    'supported; any other value stops the service at start.'),
    cfg.StrOpt('keystone_backend',
               default='heat.engine.clients.os.keystone.heat_keystoneclient.KsClientWrapper',
               help='Dotted name of a replacement for the identity client. Only the default is supported; '
                    'any other value stops the service at start.'),
    cfg.StrOpt('default_notification_level', default='INFO',
               help='Priority with which notifications about stacks are sent.'),
    cfg.StrOpt('default_publisher_id',
               help='Publisher named in notifications. Unset means orchestration.<host>.'),
]

CLOUDFORMATION = [
    cfg.StrOpt('cloudformation_partition', default='openstack',
               help='What AWS::Partition is in templates of the AWS format; "aws" for those that insist.'),
    cfg.StrOpt('cloudformation_url_suffix', default='amazonaws.com',
               help='What AWS::URLSuffix is in templates of the AWS format.'),
]

LIMITS = [
    cfg.IntOpt('max_template_size', default=524288,
               help='Largest template accepted, in bytes.'),
    cfg.IntOpt('max_nested_stack_depth', default=5,
               help='How many levels of nested stacks may lie below a root stack.'),
    cfg.IntOpt('max_resources_per_stack', default=1000,
               help='Resources allowed in one stack with its nested stacks; -1 means no limit.'),
    cfg.IntOpt('max_parameters_per_template', default=1000,
               help='Parameters that a template may declare; -1 means no limit.'),
    cfg.IntOpt('max_stacks_per_tenant', default=512,
               help='Root stacks a project may have at once; -1 means no limit.'),
    cfg.IntOpt('max_software_configs_per_tenant', default=4096,
               help='Software configurations a project may have at once; -1 means no limit.'),
    cfg.IntOpt('max_software_deployments_per_tenant', default=4096,
               help='Software deployments a project may have at once; -1 means no limit.'),
    cfg.IntOpt('max_snapshots_per_stack', default=32,
               help='Snapshots allowed of one stack; -1 means no limit, and none applies to administrators.'),
    cfg.IntOpt('max_events_per_stack', default=1000,
               help='Events kept of one stack before the oldest are dropped; 0 means no limit.'),
    cfg.IntOpt('event_purge_batch_size', default=200, min=1,
               help='How many of the oldest events are dropped at a time once the maximum is reached. '
                    'Larger batches cost less, but let the number of events swing more.'),
    cfg.IntOpt('max_json_body_size', default=1048576,
               help='Largest JSON request body, in bytes. Keep it above max_template_size.'),
    cfg.IntOpt('max_server_name_length', default=53, max=53,
               help='Longest name a server is given. Longer names would make a host name with its domain '
                    'exceed what guests can handle.'),
    cfg.IntOpt('max_interface_check_attempts', default=10, min=1,
               help='How often to look whether an interface was attached to, or detached from, a server.'),
    cfg.StrOpt('max_nova_api_microversion', regex=r'^2\.\d+$',
               help='Highest compute API microversion to use. Unset means the highest the cloud offers.'),
    cfg.StrOpt('max_cinder_api_microversion', regex=r'^3\.\d+$',
               help='Highest volume API microversion to use. Unset means the highest the cloud offers.'),
    cfg.StrOpt('max_ironic_api_microversion', regex=r'^1\.\d+$',
               help='Highest bare metal API microversion to use. Unset means the highest the cloud offers.'),
]

BEHAVIOUR = [
    cfg.IntOpt('stack_action_timeout', default=3600,
               help='Seconds a stack action may take if the user gave no time-out.'),
    cfg.IntOpt('error_wait_time', default=240,
               help='Seconds that calls in flight may go on after an error or a newer request, before '
                    'they are abandoned.'),
    cfg.IntOpt('action_retry_limit', default=5,
               help='How often creating, updating or deleting a resource is tried again after a failure '
                    'that another attempt may cure.'),
    cfg.IntOpt('client_retry_limit', default=2,
               help='How often a call to a service is repeated after a connection error.'),
    cfg.FloatOpt('template_fetch_timeout', default=60,
                 help='Seconds to wait for a template or file that is fetched by URL.'),
    cfg.FloatOpt('metadata_put_timeout', default=60,
                 help='Seconds to wait when resource metadata is uploaded to a temporary URL.'),
    cfg.BoolOpt('enable_stack_abandon', default=False,
                help='Allow stacks to be abandoned and exported.'),
    cfg.BoolOpt('enable_stack_adopt', default=False,
                help='Allow existing resources to be adopted into a new stack.'),
    cfg.BoolOpt('observe_on_update', default=False,
                help="Compare a resource's real state, and not only what was last requested, when an "
                     'update decides what to change.'),
    cfg.BoolOpt('stack_scheduler_hints', default=False,
                help='Pass the ids and names of stack and resource as scheduler hints with every server '
                     'and volume.'),
    cfg.ListOpt('hidden_stack_tags', default=[],
                help='Stacks with any of these tags are left out of lists unless hidden ones are asked for.'),
    cfg.StrOpt('default_software_config_transport', default='POLL_SERVER_CFN',
               choices=['POLL_SERVER_CFN', 'POLL_SERVER_HEAT', 'POLL_TEMP_URL', 'ZAQAR_MESSAGE'],
               help='How servers receive software configuration if the template does not say: by polling '
                    'the CFN API, this API, a Swift temporary URL, or a Zaqar queue.'),
    cfg.StrOpt('default_deployment_signal_transport', default='CFN_SIGNAL',
               choices=['CFN_SIGNAL', 'TEMP_URL_SIGNAL', 'HEAT_SIGNAL', 'ZAQAR_SIGNAL'],
               help='How servers report the result of a deployment if the template does not say.'),
    cfg.StrOpt('default_user_data_format', default='HEAT_CFNTOOLS',
               choices=['HEAT_CFNTOOLS', 'RAW', 'SOFTWARE_CONFIG'],
               help='Format of user_data for servers whose template does not say.'),
    cfg.StrOpt('loadbalancer_template',
               help='File with a template that builds what AWS::ElasticLoadBalancing::LoadBalancer is; its '
                    'parameters are the properties of the type. Unset means that the load balancing '
                    'service (Octavia) makes it.'),
    cfg.URIOpt('heat_metadata_server_url', schemes=['http', 'https'],
               help='URL under which servers reach the CFN API for metadata.'),
    cfg.StrOpt('heat_watch_server_url', default='',
               help='URL under which servers reach the CloudWatch API, to send what they measure. Without it '
                    'they are told none.'),
    cfg.URIOpt('heat_waitcondition_server_url', schemes=['http', 'https'],
               help='URL under which servers signal wait conditions. Unset means it is made from the '
                    'address of the CFN API in the catalogue.'),
    cfg.StrOpt('instance_connection_is_secure', default='0',
               help='Whether servers use HTTPS to reach the CFN API; 0 or 1, written to their boot '
                    'configuration.'),
    cfg.StrOpt('instance_connection_https_validate_certificates', default='1',
               help='Whether servers check the certificate of the CFN API; 0 or 1, written to their boot '
                    'configuration.'),
]

CREDENTIALS = [
    cfg.StrOpt('auth_encryption_key', default='notgood but just long enough i t', secret=True,
               help='Key that protects credentials and secret parameters in the database; 16, 24 or 32 '
                    'characters. Change the default before the first stack is made.'),
    cfg.BoolOpt('encrypt_parameters_and_properties', default=False,
                help='Encrypt hidden parameters and all resource properties before they are stored.'),
    cfg.StrOpt('deferred_auth_method', default='trusts', choices=['password', 'trusts'],
               deprecated_for_removal=True, deprecated_since='9.0.0',
               deprecated_reason='Trusts are the way that does not store passwords.',
               help='Credential kept to act for a user after the request has ended.'),
    cfg.StrOpt('reauthentication_auth_method', default='', choices=['', 'trusts'],
               help='With trusts, long actions go on with a token made from a trust once the token of the '
                    'request has expired. Consider what token expiry guards against before using it.'),
    cfg.BoolOpt('allow_trusts_redelegation', default=False,
                help='Make trusts which can be delegated again. Needed only where another service makes '
                     'trusts from them, as those of OS::Magnum::Cluster, OS::Blazar::Host and '
                     'OS::Blazar::Lease do.'),
    cfg.ListOpt('trusts_delegated_roles', default=[],
                help='Roles of the user that a trust carries. Empty means all of them.'),
    cfg.StrOpt('heat_stack_user_role', default='heat_stack_user',
               help='Role of the users that servers and signals act as.'),
    cfg.StrOpt('stack_user_domain_id',
               help='Id of the identity domain that holds those users. Takes precedence over '
                    'stack_user_domain_name.', deprecated_name='stack_user_domain'),
    cfg.StrOpt('stack_user_domain_name',
               help='Name of the identity domain that holds those users, if its id is not given.'),
    cfg.StrOpt('stack_domain_admin',
               help='User who may manage users and projects in that domain.'),
    cfg.StrOpt('stack_domain_admin_password', secret=True,
               help="That user's password."),
    cfg.StrOpt('server_keystone_endpoint_type', default='',
               choices=['', 'public', 'internal', 'admin'],
               help='Which identity endpoint servers are given. Empty means the URL of '
                    '[keystone_authtoken] www_authenticate_uri.'),
    cfg.StrOpt('region_name_for_services',
               help='Region in which endpoints of services are looked up. Unset means that of the request.'),
    cfg.StrOpt('region_name_for_shared_services',
               help='Region of the services that several regions share.'),
    cfg.ListOpt('shared_services_types', default=['image', 'volumev3'],
                help='Service types looked up in the region of shared services.'),
]

# Options no older release knew.
OURS = [
    cfg.MultiStrOpt('previous_auth_encryption_keys', default=[], secret=True,
                    help='Earlier values of auth_encryption_key, one a line. They only decrypt what was '
                         'stored before the key was changed.'),
    cfg.BoolOpt('allow_local_template_url', default=False,
                help='Let template_url name addresses of this host and of its local link. Off, such requests '
                     'are refused, so that nobody reads internal services through heat-api.'),
]

# Spellings from releases which named the broker piece by piece.
BROKER = [
    cfg.StrOpt('rpc_backend', deprecated_for_removal=True,
               deprecated_reason='The scheme of transport_url says it.',
               help='Name of the message bus driver. Only drivers for RabbitMQ are understood.'),
    *(cls(name, deprecated_for_removal=True, deprecated_group='oslo_messaging_rabbit',
          deprecated_reason='transport_url holds the whole address.', secret=secret,
          help=f'{text} Used only if transport_url is not set.')
      for cls, name, secret, text in (
          (cfg.StrOpt, 'rabbit_host', False, 'Host of the broker.'),
          (cfg.PortOpt, 'rabbit_port', False, 'Port of the broker.'),
          (cfg.ListOpt, 'rabbit_hosts', False, 'Brokers of a cluster as host:port.'),
          (cfg.StrOpt, 'rabbit_userid', False, 'User at the broker.'),
          (cfg.StrOpt, 'rabbit_password', True, "That user's password."),
          (cfg.StrOpt, 'rabbit_virtual_host', False, 'Virtual host at the broker.'))),
    cfg.BoolOpt('verbose', deprecated_for_removal=True,
                deprecated_reason='Informational messages are always logged; debug gives more.',
                help='Kept for existing files. It changes nothing.'),
]

OPTIONS: list[cfg.Opt] = [*SERVICE, *CLOUDFORMATION, *LIMITS, *BEHAVIOUR, *CREDENTIALS, *OURS, *BROKER]
