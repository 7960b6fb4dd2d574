import { expect, it } from 'vitest';
import { proxyFor } from '../../../lib/kube/proxy.ts';

const server = 'https://10.100.0.1:443';
const proxy = { HTTPS_PROXY: 'http://proxy:3128', HTTP_PROXY: 'http://plain:3128' };

it.each([
  ['HTTPS_PROXY', server, proxy, 'http://proxy:3128'],
  ['HTTP_PROXY for a plain server', 'http://10.0.0.1:80', proxy, 'http://plain:3128'],
  ['lower case', server, { https_proxy: 'http://proxy:3128' }, 'http://proxy:3128'],
  ['a proxy without scheme', server, { HTTPS_PROXY: 'proxy:3128' }, 'http://proxy:3128'],
  ['nothing set', server, { HTTPS_PROXY: '' }, undefined],
  ['loopback', 'https://127.0.0.1:6443', proxy, undefined],
  ['localhost', 'https://localhost:6443', proxy, undefined],
  ['loopback of IPv6', 'https://[::1]:6443', proxy, undefined],
])('the proxy of the environment: %s', (_name, url, env, expected) => {
  expect(proxyFor(url, env)).toBe(expected);
});

it.each([
  ['*', server, true],
  ['10.100.0.1', server, true],
  ['10.100.0.2', server, false],
  ['10.100.0.0/16', server, true],
  ['172.20.0.0/16, 10.0.0.0/8', server, true],
  ['10.0.0.0/99', server, false],
  ['10.100.0.1:443', server, true],
  ['10.100.0.1:6443', server, false],
  ['fd00::/8', 'https://[fd00::1]:443', true],
  ['fd00::1', 'https://[fd00::1]:443', true],
  ['::/0', server, false],
  ['eks.amazonaws.com', 'https://abc.gr7.eu.eks.amazonaws.com', true],
  ['.eks.amazonaws.com', 'https://abc.gr7.eu.eks.amazonaws.com', true],
  ['*.amazonaws.com', 'https://ABC.gr7.eu.eks.amazonaws.com', true],
  ['.api', 'https://api', false],
  ['pi', 'https://api', false],
  ['', server, false],
])('NO_PROXY=%s and %s: excepted %s', (noProxy, url, expected) => {
  expect(proxyFor(url, { ...proxy, NO_PROXY: noProxy }) === undefined).toBe(expected);
});
