import { describe, expect, it } from 'vitest';
import { isCommand } from '../../../lib/config/command.ts';
import { resolveOptions } from '../../../lib/config/resolve.ts';
import { FLOATING_IPS, parseFloatingIps } from '../../../lib/model/addresses/floating-declaration.ts';
import { cidr, contains, ip, isReservedInSubnet } from '../../../lib/model/ip.ts';
import { contentOf, filesIn } from '../architecture/source-tree.ts';
import { manifestsIn, ownContainers } from './manifests.ts';

const SAMPLES = manifestsIn('samples').map(({ manifest }) => manifest);
const DEFINITIONS = SAMPLES.filter(({ kind }) => kind === 'NetworkAttachmentDefinition');

interface Range {
  readonly range: string;
  readonly range_start: string;
  readonly range_end: string;
}

function rangesOf(config: string): readonly Range[] {
  const { ipam } = JSON.parse(config) as { ipam: Range & { readonly ipRanges?: readonly Range[] } };
  return ipam.ipRanges ?? [ipam];
}

describe('the samples', () => {
  it('are all listed in their README', () => {
    const listed = contentOf('samples/README.md');

    expect(
      filesIn('samples', '.yaml', '.json').filter((file) => !listed.includes(`\`${file.replace('samples/', '')}\``)),
    ).toEqual([]);
  });

  it('attach pods only to networks that they define', () => {
    const defined = DEFINITIONS.map(({ metadata }) => metadata.name);
    const wanted = SAMPLES.flatMap(
      ({ spec }) => spec?.template?.metadata?.annotations?.['k8s.v1.cni.cncf.io/networks']?.split(', ') ?? [],
    );

    expect(wanted.length).toBeGreaterThan(5);
    expect(wanted.filter((name) => !defined.includes(name))).toEqual([]);
  });

  it('hand out no address that AWS keeps for itself, and none outside its subnet', () => {
    const ends = DEFINITIONS.flatMap(({ spec }) =>
      rangesOf(spec?.config ?? '').flatMap(({ range, range_start, range_end }) =>
        [range_start, range_end].map((end) => [cidr(range), ip(end)] as const),
      ),
    );

    expect(ends.length).toBeGreaterThan(5);
    expect(ends.filter(([subnet, end]) => !contains(subnet, end) || isReservedInSubnet(subnet, end))).toEqual([]);
  });

  it('declare floating IPs that the agent understands', () => {
    const declared = SAMPLES.flatMap(({ metadata, spec }) => [
      metadata.annotations?.[FLOATING_IPS],
      spec?.template?.metadata?.annotations?.[FLOATING_IPS],
    ]).filter((text) => text !== undefined);

    expect(declared).toEqual(['10.10.1.96/28', '10.10.1.100']);
    expect(declared.flatMap((text) => parseFloatingIps(text, 'sample').refusals)).toEqual([]);
  });

  it('start the program with options that it understands', () => {
    const direct = ownContainers('samples').filter(({ container }) => container.args?.[0] !== '/bin/sh');
    const faults = direct.flatMap(({ container: { args = [], env = [] } }) => {
      const [command, ...argv] = args;
      const environment = Object.fromEntries(env.map(({ name, value }) => [name, value]));
      if (!isCommand(command)) return [`${command} is not a command`];
      const resolved = resolveOptions(command, { argv, environment, readFile: () => '{}' });
      return resolved.ok ? [] : resolved.faults.map(({ message }) => message);
    });

    expect(direct).toHaveLength(3);
    expect(faults).toEqual([]);
  });
});
