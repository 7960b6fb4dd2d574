import { describe, expect, test } from 'vitest';
import { requestsOf } from '../../../lib/dialect/requests.ts';
import { manifestsIn } from '../daemonset/manifests.ts';
import { CONTEXT, podWith } from './samples.ts';

const TEMPLATES = manifestsIn('samples/elastic-ips').flatMap(({ file, manifest: { metadata, spec } }) => {
  const annotations = spec?.template?.metadata?.annotations;
  if (annotations === undefined) return [];
  const pod = podWith(annotations, { namespace: metadata.namespace ?? '', name: `${metadata.name}-0` });
  return [{ file: file.replace(/.*\//, ''), pod }];
});

describe('the samples for Elastic IPs', () => {
  test('ask for what they say, and are understood', () => {
    const asked = TEMPLATES.map(({ file, pod }) => {
      const { claims, refusals } = requestsOf(pod, CONTEXT);
      return { file, refusals, asks: claims.map(({ target, source }) => ({ target, source })) };
    });

    expect(asked).toEqual([
      {
        file: 'floating-ip.yaml',
        refusals: [],
        asks: [{ target: { kind: 'address', address: '10.10.1.102' }, source: { kind: 'allocate', pool: 'amazon' } }],
      },
      {
        file: 'multus-interface.yaml',
        refusals: [],
        asks: [
          { target: { kind: 'primary' }, source: { kind: 'allocate', pool: 'amazon' } },
          {
            target: { kind: 'interface', name: 'net1' },
            source: { kind: 'tagged', key: 'media-pool', value: undefined },
          },
        ],
      },
      {
        file: 'nginx-auto.yaml',
        refusals: [],
        asks: [{ target: { kind: 'primary' }, source: { kind: 'allocate', pool: 'amazon' } }],
      },
      {
        file: 'statefulset-fixed-tag-value.yaml',
        refusals: [],
        asks: [
          {
            target: { kind: 'primary' },
            source: { kind: 'tagged', key: 'pec-ip-pool', value: 'nginx-demo-ns/app-nginx-fixed-0' },
          },
        ],
      },
    ]);
  });
});
