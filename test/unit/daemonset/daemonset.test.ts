import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../../../lib/config/options.ts';
import { resolveOptions } from '../../../lib/config/resolve.ts';
import { variableWarnings } from '../../../lib/config/variable-warnings.ts';
import { contentOf } from '../architecture/source-tree.ts';
import { manifestsIn, ownContainers } from './manifests.ts';

const BASE = 'daemonset/base/daemonset.yaml';
const agent = ownContainers('daemonset').find(({ file }) => file === BASE)?.container;
const environment = Object.fromEntries(
  (agent?.env ?? []).map(({ name, value }) => [name, value?.replace('$(POD_IP)', '10.0.0.1') ?? 'n1']),
);

describe('the DaemonSet', () => {
  it('starts the agent with options that it understands, the defaults of the table among them', () => {
    const [command, ...argv] = agent?.args ?? [];
    const resolved = resolveOptions('node', { argv, environment, readFile: () => '{}' });

    expect(command).toBe('node');
    expect(resolved).toMatchObject({
      ok: true,
      options: {
        nodeName: 'n1',
        observe: 'live',
        httpAddress: [
          { host: '10.0.0.1', port: 9808 },
          { host: '127.0.0.1', port: 9808 },
        ],
      },
    });
    expect(variableWarnings(environment)).toEqual([]);
  });

  it('runs on no node whose ENIs are not there to be managed: Fargate, hybrid, Auto Mode', () => {
    const spec = manifestsIn('daemonset/base').find(({ file }) => file === BASE)?.manifest.spec?.template?.spec;

    expect(spec?.affinity).toMatchObject({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                { key: 'eks.amazonaws.com/compute-type', operator: 'NotIn', values: ['fargate', 'hybrid', 'auto'] },
              ],
            },
          ],
        },
      },
    });
  });

  it('mounts every folder that the default options name', () => {
    const mounted = (agent?.volumeMounts ?? []).map(({ mountPath }) => mountPath);
    const folders = [OPTIONS.netnsDir, OPTIONS.cniCacheDirs, OPTIONS.stateDir].flatMap((option) =>
      option.default.split(','),
    );
    const missing = folders.filter(
      (folder) => !mounted.some((mount) => folder === mount || folder.startsWith(`${mount}/`)),
    );

    expect(missing).toEqual([]);
  });

  it('is not privileged, and keeps three capabilities, each with a comment that says what for', () => {
    const lines = contentOf(BASE).split('\n');
    const unexplained = ['SYS_ADMIN', 'NET_ADMIN', 'NET_BROADCAST'].filter((name) => {
      const line = lines.findIndex((text) => text.trim() === `- ${name}`);
      return line < 1 || !lines[line - 1]?.trim().startsWith('#');
    });

    expect(agent?.securityContext).toEqual({
      runAsUser: 0,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['SYS_ADMIN', 'NET_ADMIN', 'NET_BROADCAST'] },
    });
    expect(unexplained).toEqual([]);
  });

  it.each(['cni', 'annotations'])('overlay %s observes at its level and takes all capabilities away', (level) => {
    const overlay = manifestsIn(`daemonset/overlays/${level}`).find(({ manifest }) => manifest.kind === 'DaemonSet');
    const container = overlay?.manifest.spec?.template?.spec.containers[0];

    expect(container?.env).toEqual([{ name: 'ENI_AGENT_OBSERVE', value: level }]);
    expect(container?.securityContext).toEqual({ allowPrivilegeEscalation: false, capabilities: { add: null } });
  });
});

describe('RBAC', () => {
  it('grants what the agent calls and nothing else, with a comment before every rule', () => {
    const role = manifestsIn('daemonset/base').find(({ manifest }) => manifest.kind === 'ClusterRole')?.manifest;
    const granted = (role?.rules ?? []).map(({ resources, verbs }) => `${resources.join()}: ${verbs.join()}`);
    const lines = contentOf('daemonset/base/rbac.yaml').split('\n');
    const bare = lines.filter(
      (line, index) => line.startsWith('  - apiGroups') && !lines[index - 1]?.startsWith('  #'),
    );

    expect(granted).toEqual([
      'pods: get,list,watch',
      'pods/status: patch',
      'events: create,patch',
      'network-attachment-definitions: get',
      'nodes: get,list,watch,patch',
      'nodes/status: patch',
      'floatingips: get,list,watch',
      'floatingips/status: patch',
    ]);
    expect(bare).toEqual([]);
  });
});

describe('removal', () => {
  it('of the controller names neither a definition nor the namespace', () => {
    expect(contentOf('daemonset/controller/kustomization.yaml')).not.toMatch(/^\s+- .*(?:crds|namespace)/m);
  });

  it('of any definition, and of the namespace, is refused while the controller is installed', () => {
    const guard = contentOf('daemonset/components/deletion-guard/policy.yaml');
    const definitions = manifestsIn('daemonset/crds').flatMap(({ manifest: { kind, metadata } }) =>
      kind === 'CustomResourceDefinition' ? [metadata.name] : [],
    );

    expect(definitions).toHaveLength(6);
    expect([...definitions, 'eni-agent-system'].filter((name) => !guard.includes(name))).toEqual([]);
  });
});

describe('the IAM policies', () => {
  it.each(['daemonset/iam/node.json', 'daemonset/iam/node-tagged-enis.json', 'samples/iam-policy.json'])(
    '%s changes nothing but addresses of ENIs',
    (file) => {
      const { Statement } = JSON.parse(contentOf(file)) as { Statement: { Action: string[]; Resource: string }[] };
      const everywhere = Statement.filter(({ Resource }) => Resource === '*').flatMap(({ Action }) => Action);
      const scoped = Statement.filter(({ Resource }) => Resource.endsWith(':network-interface/*')).flatMap(
        ({ Action }) => Action,
      );

      expect(everywhere.filter((action) => !action.startsWith('ec2:Describe'))).toEqual([]);
      expect(scoped).toEqual([
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
        'ec2:AssignIpv6Addresses',
        'ec2:UnassignIpv6Addresses',
      ]);
    },
  );

  it.each([
    'daemonset/iam/node.json',
    'daemonset/iam/elastic-ips.json',
    'daemonset/iam/elastic-ips-any.json',
    'daemonset/controller/iam-policy.json',
  ])('each action of %s is explained in docs/iam.md', (file) => {
    const { Statement } = JSON.parse(contentOf(file)) as { Statement: { Action: string | string[] }[] };
    const guide = contentOf('docs/iam.md');

    expect(Statement.flatMap(({ Action }) => Action).filter((action) => !guide.includes(`\`${action}\``))).toEqual([]);
  });
});
