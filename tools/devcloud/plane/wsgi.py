"""WSGI scripts and paste files for services that would look for theirs under /etc."""
from plane.settings import PKG
from plane.shell import write


def wsgi_script(p, text):
    return write(p, 'import sys, os\n' + text)


def paste_with_conf(name, target, conf):
    """Their auth_token would look for its settings under /etc."""
    with open(PKG + '/usr/share/%s-common/api-paste.ini' % name) as f:
        write(target, f.read().replace(
            'oslo_config_project = ' + name,
            'oslo_config_project = %s\noslo_config_file = %s' % (name, conf)))
