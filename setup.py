"""Everything that can stand in setup.cfg stands there.

Only the migrations cannot: they are a directory of their own in a checkout, and are installed beside
the package as ``heat_migrations``, so that ``heat-manage db_sync`` finds them either way.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=['heat', 'heat.*']), 'heat_migrations', 'heat_migrations.versions'],
    package_dir={'heat_migrations': 'migrations'},
    package_data={'heat': ['py.typed', '**/*.json', '**/*.yaml', '**/*.rst'],
                  'heat_migrations': ['*.ini', '*.mako', '*.py'],
                  'heat_migrations.versions': ['*.py']},
)
