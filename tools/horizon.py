"""The part of tools/horizon that runs inside its virtual environment: the dashboard and the browser.

Purpose: serve Horizon beside a running Heat and use its orchestration pages as a person
would, from the login to the deletion of a stack. Invariant: a page that shows an error, or
not what it should, ends the run with its picture. Neighbours: ``tools/horizon`` starts Heat.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import heat_dashboard
import openstack_dashboard
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By

SECONDS = 60
FLAGS = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync',
         '--window-size=1400,1200')
EXAMPLE, LAUNCHED = 'example', 'launched'
TEMPLATE = """heat_template_version: 2018-08-31
description: Two words
parameters:
  length: {type: number, default: 8, description: Letters of each}
resources:
  first: {type: OS::Heat::RandomString, properties: {length: {get_param: length}}}
  second: {type: OS::Heat::Value, properties: {value: {get_attr: [first, value]}}}
outputs:
  word: {value: {get_attr: [second, value]}, description: The word}
"""


def say(text: str) -> None:
    print(f'tools/horizon: {text}', flush=True)


def until(what: str, true: Callable[[], Any]) -> Any:
    """The first true answer; TimeoutError names what was waited for."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            found = true()
        except WebDriverException:
            found = None
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f'{what}: not within {SECONDS} seconds')
        time.sleep(0.3)


class Dashboard:
    """Horizon of the installed packages, on a free port."""

    def __init__(self, home: Path, keystone: str) -> None:
        self.home = home
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]
        self.url = f'http://127.0.0.1:{self.port}'
        self._settings(keystone)
        self._env = {**os.environ, 'DJANGO_SETTINGS_MODULE': 'openstack_dashboard.settings',
                     'PYTHONWARNINGS': 'ignore'}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if not (self.home / 'static').exists():
            say('collecting the static files of Horizon')
            for words in (('collectstatic', '--noinput'), ('compress', '--force')):
                done = subprocess.run([sys.executable, '-m', 'django', *words], env=self._env,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                if done.returncode:
                    shutil.rmtree(self.home / 'static', ignore_errors=True)
                    raise RuntimeError(f'{words[0]}: {done.stdout[-2000:]}')
        with open(self.home / 'horizon.log', 'wb') as log:
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'django', 'runserver', '--insecure', '--noreload',
                 f'127.0.0.1:{self.port}'], env=self._env, stdout=log, stderr=log)
        until('Horizon serves', self._serves)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _serves(self) -> bool:
        try:
            with urllib.request.urlopen(f'{self.url}/auth/login/', timeout=30) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _settings(self, keystone: str) -> None:
        local = Path(openstack_dashboard.__file__).parent / 'local'
        ours = Path(heat_dashboard.__file__).parent
        for folder in ('enabled', 'local_settings.d'):
            for file in (ours / folder).glob('_16*.py'):
                shutil.copy(file, local / folder)
        for file in ('heat_policy.yaml', 'default_policies/heat.yaml'):
            shutil.copy(ours / 'conf' / file, local.parent / 'conf' / file)
        (local / 'local_settings.py').write_text('\n'.join((
            'DEBUG = False', "ALLOWED_HOSTS = ['127.0.0.1']", f'SECRET_KEY = {os.urandom(20).hex()!r}',
            "CACHES = {'default': {'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'}}",
            "SESSION_ENGINE = 'django.contrib.sessions.backends.signed_cookies'",
            f'OPENSTACK_KEYSTONE_URL = {keystone!r}', 'COMPRESS_OFFLINE = True',
            f'STATIC_ROOT = {str(self.home / "static")!r}', '')))


class Browser:
    """Chromium without a screen, logged in as the user of the example."""

    def __init__(self, url: str, pages: Path) -> None:
        self.url, self.pages, self.count = url, pages, 0
        options = webdriver.ChromeOptions()
        options.binary_location = '/usr/bin/chromium'
        for flag in FLAGS:
            options.add_argument(flag)
        self.driver = webdriver.Chrome(options, webdriver.ChromeService('/usr/bin/chromedriver'))

    def close(self) -> None:
        self.driver.quit()

    def open(self, path: str) -> None:
        self.driver.get(path if path.startswith('http') else self.url + path)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> Any:
        return until(f'{selector} on {self.driver.current_url}', lambda: (self.all(selector) or [None])[0])

    def text(self) -> str:
        return ' '.join(self.one('body').text.split())

    def fill(self, selector: str, value: str) -> None:
        box = self.one(selector)
        box.clear()
        box.send_keys(value)

    def press(self, selector: str) -> None:
        self.driver.execute_script('arguments[0].click()', self.one(selector))

    def link(self, words: str) -> None:
        self.driver.execute_script('arguments[0].click()', until(words, lambda: next(
            (one for one in self.all('a, button') if one.text.strip() == words), None)))

    def seen(self, what: str, *words: str, despite: str = '') -> None:
        """The page shows the words and no error but one that begins with ``despite``; its picture is kept."""
        try:
            until(f'{what}: {words}', lambda: all(word in self.text() for word in words))
            wrong = [one.text for one in self.all('.alert-danger, .alert-warning')
                     if one.is_displayed() and not (despite and one.text.startswith(despite))]
            if wrong:
                raise AssertionError(f'{what}: {wrong}')
        finally:
            self.count += 1
            self.driver.save_screenshot(str(self.pages / f'{self.count:02}-{what.replace(" ", "-")}.png'))
        say(f'{what}: as it should be')

    def row(self, name: str) -> Any:
        return until(f'row {name}', lambda: next(
            (row for row in self.all('tbody tr') if name in [one.text for one in row.find_elements(
                By.TAG_NAME, 'a')]), None))


def log_in(browser: Browser) -> None:
    browser.open('/auth/login/')
    browser.fill('[name=username]', os.environ['OS_USERNAME'])
    browser.fill('[name=password]', os.environ['OS_PASSWORD'])
    browser.press('#loginBtn')
    until('logged in', lambda: '/auth/login' not in browser.driver.current_url)


def look_at_the_example(browser: Browser) -> None:
    browser.open('/project/stacks/')
    browser.seen('stack list', EXAMPLE, 'Create Complete')
    browser.link(EXAMPLE)
    browser.seen('detail topology', EXAMPLE)
    detail = browser.driver.current_url.split('?')[0]
    drawn = until('a drawn topology', lambda: browser.all('svg .node'))
    say(f'topology draws {len(drawn)} nodes')
    browser.open(f'{detail}?tab=stack_details__overview')
    browser.seen('detail overview', 'Create_Complete: Stack CREATE completed successfully', 'Outputs')
    browser.open(f'{detail}?tab=stack_details__resources')
    browser.seen('detail resources', 'front', 'OS::Nova::Server', 'Create Complete')
    browser.open(f'{detail}?tab=stack_details__events')
    browser.seen('detail events', 'front', 'state changed')
    browser.open(f'{detail}?tab=stack_details__stack_template')
    browser.seen('detail template', 'heat_template_version')
    browser.open(f'{detail}?tab=stack_details__resources')
    browser.link('front')
    browser.seen('resource detail', 'OS::Nova::Server', 'Create Complete: state changed')


def look_at_the_language(browser: Browser) -> None:
    browser.open('/project/resource_types/')
    browser.seen('resource types', 'OS::Heat::RandomString', 'OS::Nova::Server')
    browser.open('/project/resource_types/OS::Nova::Server/')
    browser.seen('resource type', 'OS::Nova::Server', 'properties')
    browser.open('/project/template_versions/')
    browser.seen('template versions', 'heat_template_version.2018-08-31', 'AWSTemplateFormatVersion')
    browser.open('/project/template_versions/heat_template_version.2018-08-31/')
    browser.seen('template functions', 'str_replace', 'yaql')


def launch(browser: Browser) -> None:
    template_form(browser, '/project/stacks/select_template')
    browser.seen('launch form', 'Launch Stack', 'Rollback On Failure', 'length')
    browser.fill('[name=stack_name]', LAUNCHED)
    browser.fill('[name=timeout_mins]', '5')
    browser.fill('[name=password]', os.environ['OS_PASSWORD'])
    browser.press('input[type=submit]')
    until('the launched stack', lambda: 'Create Complete' in browser.row(LAUNCHED).text)
    browser.seen('launched', LAUNCHED, 'Create Complete')


def change(browser: Browser) -> None:
    browser.open('/project/stacks/')
    where = browser.row(LAUNCHED).find_element(By.LINK_TEXT, LAUNCHED).get_attribute('href')
    stack = where.partition('/stack/')[2].strip('/')
    with_a_third = TEMPLATE.replace('outputs:', '  third: {type: OS::Heat::RandomString}\noutputs:')
    template_form(browser, f'/project/stacks/{stack}/change_template', with_a_third)
    browser.seen('change form', 'Update Stack', 'Updating Timeout', 'length')
    browser.fill('[name=__param_length]', '12')
    browser.fill('[name=password]', os.environ['OS_PASSWORD'])
    browser.press('input[type=submit]')
    until('the changed stack', lambda: 'Update Complete' in browser.row(LAUNCHED).text)
    browser.seen('changed', LAUNCHED, 'Update Complete')
    browser.open(f'/project/stacks/stack/{stack}/?tab=stack_details__resources')
    browser.seen('changed resources', 'third', 'OS::Heat::RandomString')


def generate(browser: Browser) -> None:
    browser.open('/project/template_generator/')
    until('what the generator offers', lambda: any(
        'ng-hide' in (one.get_attribute('class') or '') for one in browser.all('.load-block')))
    offered = [str(one.get_attribute('textContent')).strip() for one in browser.all('md-option')]
    assert any('2018-08-31' in one for one in offered), offered
    # It asks other services for more than the simulated cloud has.
    browser.seen('template generator', 'Template Generator', 'OS::HEAT',
                 despite='Unable to retrieve resources')


def preview(browser: Browser) -> None:
    template_form(browser, '/project/stacks/preview_template')
    browser.fill('[name=stack_name]', 'previewed')
    browser.press('input[type=submit]')
    browser.seen('preview', 'previewed', 'OS::Heat::RandomString')


def template_form(browser: Browser, path: str, template: str = TEMPLATE) -> None:
    browser.open(path)
    browser.driver.execute_script(
        "for (const [name, value] of [['template_source', 'raw'], ['environment_source', 'raw']]) {"
        " const box = document.querySelector(`[name=${name}]`); if (box) { box.value = value;"
        " box.dispatchEvent(new Event('change')); $(box).trigger('change'); } }")
    browser.driver.execute_script(
        "document.querySelector('[name=template_data]').value = arguments[0]", template)
    browser.press('input[type=submit]')
    browser.one('[name=timeout_mins]')


def act(browser: Browser, action: str, wanted: str = '') -> None:
    """An action of the row's menu, confirmed where Horizon asks: before it deletes."""
    browser.open('/project/stacks/')
    row = browser.row(LAUNCHED)
    browser.driver.execute_script('arguments[0].click()', until(action, lambda: (row.find_elements(
        By.CSS_SELECTOR, f'[id$="action_{action}"]') or [None])[0]))
    if action == 'delete':
        browser.press('.modal-dialog .btn-danger')
    if wanted:
        until(wanted, lambda: wanted in browser.row(LAUNCHED).text)
        browser.seen(f'{action} done', LAUNCHED, wanted)


def gone(browser: Browser) -> None:
    def without() -> bool:
        browser.open('/project/stacks/')
        return EXAMPLE in browser.text() and LAUNCHED not in browser.one('table').text

    until(f'{LAUNCHED} is gone', without)
    browser.seen('after the deletion', EXAMPLE)


def main(home: Path) -> int:
    pages = home / 'pages'
    shutil.rmtree(pages, ignore_errors=True)
    pages.mkdir(parents=True)
    dashboard = Dashboard(home, os.environ['OS_AUTH_URL'])
    dashboard.start()
    browser = Browser(dashboard.url, pages)
    try:
        log_in(browser)
        look_at_the_example(browser)
        look_at_the_language(browser)
        preview(browser)
        launch(browser)
        change(browser)
        act(browser, 'check', 'Check Complete')
        act(browser, 'suspend', 'Suspend Complete')
        act(browser, 'resume', 'Resume Complete')
        act(browser, 'delete')
        gone(browser)
        generate(browser)
    except (AssertionError, TimeoutError, WebDriverException) as error:
        browser.driver.save_screenshot(str(pages / 'failed.png'))
        fail(f'{error}; see {pages} and {home / "horizon.log"}')
    finally:
        browser.close()
        dashboard.stop()
    say(f'all pages are as they should be; {pages} has their pictures')
    return 0


def fail(text: str) -> NoReturn:
    print(f'tools/horizon: {text}', file=sys.stderr)
    raise SystemExit(1)


if __name__ == '__main__':
    raise SystemExit(main(Path(sys.argv[1])))
