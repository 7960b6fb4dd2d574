import { describe, expect, it } from 'vitest';
import type { Command } from '../../../lib/config/command.ts';
import { describeFaults } from '../../../lib/config/fault.ts';
import { resolveOptions } from '../../../lib/config/resolve.ts';

const NAMED = ['--node-name=n1'];

interface Given {
  readonly command?: Command;
  readonly argv?: readonly string[];
  readonly environment?: Record<string, string>;
  readonly file?: string;
}

function resolve<C extends Command>(command: C, { argv = [], environment = {}, file = '{}' }: Given) {
  return resolveOptions(command, { argv, environment, readFile: () => file });
}

function valid<C extends Command>(command: C, given: Given) {
  const resolved = resolve(command, given);
  if (!resolved.ok) throw new Error(describeFaults(command, resolved.faults));
  return resolved;
}

/** The faults as text, without the first and last line, which are the same for all. */
function faultsOf(given: Given): readonly string[] {
  const { command = 'node' } = given;
  const resolved = resolve(command, given);
  if (resolved.ok) throw new Error('expected faults');
  return describeFaults(command, resolved.faults)
    .split('\n')
    .slice(1, -1)
    .map((line) => line.trim());
}

describe('resolveOptions', () => {
  it('gives every option of the node agent its documented default', () => {
    const { options } = valid('node', { argv: NAMED });

    expect(options).toEqual({
      nodeName: 'n1',
      kubeconfig: undefined,
      clusterName: undefined,
      namespaces: [],
      observe: 'live',
      takeover: 'declared',
      allowPrimary: false,
      release: 'after-delay',
      releaseDelayMs: 30_000,
      routeTableTag: { key: 'eni-agent.io/routed-ips', value: undefined },
      interfaceFilter: /^(?:(?!eth0$|lo$).*)$/v,
      netnsDir: '/run/netns',
      cniCacheDirs: ['/var/lib/cni/multus/results', '/var/lib/cni/results'],
      floatingIpParkMs: 30_000,
      leaseNamespace: undefined,
      stateDir: '/var/lib/eni-agent',
      tenantPolicy: 'optional',
      tenantPolicyDir: '/etc/eni-agent/tenants',
      addressResyncMs: 60_000,
      ec2ResyncMs: 600_000,
      imdsResyncMs: 15_000,
      httpAddress: [{ host: undefined, port: 9808 }],
      serveSnapshot: true,
      dryRun: false,
      logLevel: 'info',
      logFormat: 'json',
    });
  });

  it('prefers a flag to the environment, our variable to an alias, that to the file, and the file to the default', () => {
    const file = '{"log-level": "debug"}';
    const config = ['--config=/etc/agent.json', ...NAMED];
    const ours = { ENI_AGENT_NODE_NAME: 'ours', NODE_NAME: 'alias' };

    expect(valid('node', { argv: config, file }).options.logLevel).toBe('debug');
    expect(valid('node', { argv: config, file, environment: { ENI_AGENT_LOG_LEVEL: 'warn' } }).options.logLevel).toBe(
      'warn',
    );
    expect(
      valid('node', { argv: [...config, '--log-level', 'error'], file, environment: { ENI_AGENT_LOG_LEVEL: 'warn' } })
        .options.logLevel,
    ).toBe('error');
    expect(valid('node', { environment: ours }).options.nodeName).toBe('ours');
    expect(valid('node', { environment: { NODE_NAME: 'alias' } }).options.nodeName).toBe('alias');
  });

  it('says where each value came from', () => {
    const { origins } = valid('node', {
      argv: ['--takeover=any', '--config=/etc/agent.json'],
      environment: { NODE_NAME: 'n1' },
      file: '{"release": "never"}',
    });

    expect(origins.get('takeover')).toEqual({ source: 'flag', name: '--takeover' });
    expect(origins.get('node-name')).toEqual({ source: 'environment', name: 'NODE_NAME' });
    expect(origins.get('release')).toEqual({ source: 'file', name: 'release', path: '/etc/agent.json' });
    expect(origins.get('observe')).toEqual({ source: 'default' });
  });

  it('gathers a repeated flag and splits lists; a better source replaces the whole list', () => {
    const repeated = { argv: [...NAMED, '--namespace=a', '--namespace', 'b, c'] };
    const fromFile = { argv: [...NAMED, '--config=f'], file: '{"namespace": ["x", "y"], "cni-cache-dir": "/c"}' };

    expect(valid('node', repeated).options.namespaces).toEqual(['a', 'b', 'c']);
    expect(valid('node', fromFile).options).toMatchObject({ namespaces: ['x', 'y'], cniCacheDirs: ['/c'] });
    expect(valid('node', { ...fromFile, environment: { ENI_AGENT_NAMESPACE: 'z' } }).options.namespaces).toEqual(['z']);
  });

  it.each([
    ['--dry-run', true],
    ['--dry-run=false', false],
    ['--no-dry-run', false],
  ])('reads the switch %s as %s', (flag, expected) => {
    const environment = { ENI_AGENT_DRY_RUN: expected ? 'no' : 'yes' };

    expect(valid('node', { argv: [...NAMED, flag], environment }).options.dryRun).toBe(expected);
  });

  it('takes an empty environment variable for an absent one, as manifests leave them', () => {
    const environment = { ENI_AGENT_OBSERVE: '', KUBECONFIG: '  ' };

    expect(valid('node', { argv: NAMED, environment }).options).toMatchObject({
      observe: 'live',
      kubeconfig: undefined,
    });
  });

  it('lets one file and one environment serve several commands', () => {
    const file = '{"release": "never", "timeout": "5s"}';
    const { options } = valid('init', { argv: ['--config=f'], file, environment: { ENI_AGENT_NETNS_DIR: '/x' } });

    expect(options).toMatchObject({ timeoutMs: 5000, allowImdsV1: false });
    expect(options).not.toHaveProperty('release');
  });

  it('reports all faults at once, each with its place and the fix', () => {
    const faults = faultsOf({
      argv: [
        '--obzerve=live',
        '--release-delay=30x',
        '--timeout=5s',
        'stray',
        '--dry-run=maybe',
        '--config=/etc/agent.json',
      ],
      environment: { ENI_AGENT_TAKEOVER: 'all', ENI_AGENT_HTTP_ADDRESS: '9808' },
      file: '{"log-level": "loud", "relase": "never", "namespace": {}}',
    });

    expect(faults).toEqual([
      '--obzerve (on the command line): unknown option; did you mean --observe?',
      '--timeout (on the command line): is an option of init, host-ip, not of node; remove it',
      'stray (on the command line): is not expected here; options begin with --',
      'relase (as "relase" in /etc/agent.json): unknown option; did you mean release?',
      'namespace (as "namespace" in /etc/agent.json): must be a text, a number, true or false, or a list of those',
      '--node-name: is required; give --node-name=NAME or set ENI_AGENT_NODE_NAME or NODE_NAME',
      '--takeover (in environment variable ENI_AGENT_TAKEOVER): "all" is not one of declared, any',
      '--release-delay (on the command line): "30x" is not a duration; write a number and a unit, such as 500ms, 30s or 5m',
      '--http-address (in environment variable ENI_AGENT_HTTP_ADDRESS): "9808" is not an address to listen on; write 127.0.0.1:9808, [::1]:9808, :9808 or off',
      '--dry-run (on the command line): "maybe" is neither true nor false',
      '--log-level (as "log-level" in /etc/agent.json): "loud" is not one of debug, info, warn, error',
    ]);
  });

  it.each([
    [['--observe'], '--observe (on the command line): needs a value: --observe=live|cni|annotations'],
    [['--observe='], '--observe (on the command line): needs a value: --observe=live|cni|annotations'],
    [
      ['--state-dir', '--dry-run'],
      '--state-dir (on the command line): needs a value; if it really begins with a dash, write --state-dir=--dry-run',
    ],
    [['--no-dry-run=true'], '--no-dry-run (on the command line): takes no value; remove it'],
    [['--no-observe'], '--no-observe (on the command line): unknown option; remove it'],
    [['--address-resync=10ms'], '--address-resync (on the command line): "10ms" is out of range; write 1s to 24h'],
    [['--interface-filter=net['], expect.stringContaining('"net[" is not a regular expression') as string],
  ])('refuses %j in words', (argv, expected) => {
    expect(faultsOf({ argv: [...NAMED, ...argv] })).toEqual([expected]);
  });

  it.each([
    ['[]', 'must hold one JSON object'],
    ['{', 'is not JSON'],
  ])('refuses the file %j', (file, expected) => {
    expect(faultsOf({ argv: [...NAMED, '--config=f'], file })).toEqual([expect.stringContaining(expected)]);
  });

  it('reports a file that cannot be read and still checks everything else', () => {
    const resolved = resolveOptions('node', {
      argv: ['--observe=deep'],
      environment: { ENI_AGENT_CONFIG: '/nowhere', NODE_NAME: 'n1' },
      readFile: () => {
        throw new Error('ENOENT');
      },
    });

    expect(resolved).toMatchObject({ ok: false, faults: [{ subject: '--config' }, { subject: '--observe' }] });
  });
});
