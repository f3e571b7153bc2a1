"""Every group that --services may name, and the choice of those of this run."""
import os
import re

from plane.containers import Zun
from plane.core import Cinder, Glance, Keystone, Neutron, Nova, Placement
from plane.machines import Ironic, Trove
from plane.networking import Designate, Fwaas, L2gw, Octavia, Sfc, Taas, Vpnaas
from plane.reservations import Blazar
from plane.service import ENABLED, SERVICES
from plane.settings import CORE, HOME
from plane.shell import die
from plane.storage import Barbican, Manila, Swift, Zaqar
from plane.telemetry import Aodh, Ceilometer, Gnocchi, Prometheus
from plane.workflows import Magnum, Mistral

SERVICES.update((s.name, s) for s in (
    Keystone(), Glance(), Placement(), Neutron(), Nova(), Cinder(), Gnocchi(), Aodh(), Ceilometer(),
    Swift(), Barbican(), Designate(), Octavia(), Magnum(), Mistral(), Manila(), Zaqar(),
    Ironic(), Trove(), Blazar(), Zun(), Prometheus(), Vpnaas(), Sfc(), Taas(), L2gw(), Fwaas()))

BEYOND = ('blazar', 'zun', 'prometheus', 'fwaas')        # asked for by name only: not Debian's


def select(arg):
    """--services a,b | core | full; what a running cloud has when not given."""
    saved = os.path.join(HOME, 'services')
    if not arg and os.path.exists(saved):
        with open(saved) as f:
            names = f.read().split()
    else:
        names = []
        for n in re.split(r'[ ,]+', arg or 'core'):
            names += {'core': CORE, 'full': [s for s in SERVICES if s not in BEYOND]}.get(n, [n])
    bad = [n for n in names if n not in SERVICES]
    if bad:
        die('unknown services: %s (known: %s)' % (' '.join(bad), ' '.join(SERVICES)))
    names += [d for n in names for d in SERVICES[n].needs]
    ENABLED[:] = [n for n in SERVICES if n in set(names) | {'keystone'}]
    return [SERVICES[n] for n in ENABLED]
