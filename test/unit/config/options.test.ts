import { describe, expect, it } from 'vitest';
import { COMMAND_NAMES } from '../../../lib/config/command.ts';
import type { Option } from '../../../lib/config/option.ts';
import { OPTIONS, variableOf } from '../../../lib/config/options.ts';
import { renderHelp, renderOptionsDocument, renderUsage } from '../../../lib/config/render.ts';
import { split } from '../../../lib/config/sources.ts';
import { Mistake } from '../../../lib/config/value-type.ts';
import { variableWarnings } from '../../../lib/config/variable-warnings.ts';

const TABLE: readonly Option[] = Object.values(OPTIONS);

describe('the option table', () => {
  it('has defaults that its own types accept', () => {
    const wrong = TABLE.filter((option) =>
      split(option, option.default ?? '').some((word) => word !== '' && option.type.parse(word) instanceof Mistake),
    );

    expect(wrong).toEqual([]);
  });

  it('uses no flag and no environment variable twice', () => {
    const names = TABLE.flatMap((option) => [option.flag, variableOf(option), ...(option.aliases ?? [])]);

    expect(names).toEqual([...new Set(names)]);
  });

  it('gives every option that is not required, not repeatable and has no default a reason in its help', () => {
    const silent = TABLE.filter((option) => option.default === undefined && option.required !== true).map(
      (option) => option.flag,
    );

    expect(silent).toEqual([
      'kubeconfig',
      'region',
      'cluster-name',
      'namespace',
      'lease-namespace',
      'route-tables',
      'routed-ips',
      'interface1-peers',
      'interface2-peers',
      'interface',
      'context',
      'selector',
      'node',
      'file',
    ]);
  });
});

describe('what the table renders', () => {
  it('docs/options.md is up to date', async () => {
    await expect(renderOptionsDocument()).toMatchFileSnapshot('../../../docs/options.md');
  });

  it.each(COMMAND_NAMES)('the help of %s lists exactly its own options, within the width of a terminal', (command) => {
    const lines = renderHelp(command).split('\n');
    const listed = lines.flatMap((line) => /^ {2}(?:-\w, )?--(?:\[no-\])?([a-z\d-]+)/.exec(line)?.[1] ?? []);
    const own = TABLE.filter((option) => option.commands.includes(command)).map((option) => option.flag);

    expect(listed).toEqual([...own, 'config']);
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
    expect(renderUsage()).toContain(`  ${command} `);
  });
});

describe('variableWarnings', () => {
  it('says what of the environment of aws-pod-eip-controller is no longer needed', () => {
    const messages = variableWarnings({
      PEC_VPC_ID: 'vpc-1',
      PEC_RESYNC_PERIOD: '0',
      PEC_CLUSTER_NAME: 'c',
      PEC_REGION: 'r',
    });
    expect(messages).toEqual([
      expect.stringMatching(/PEC_VPC_ID is no longer/),
      expect.stringMatching(/PEC_RESYNC_PERIOD is no longer/),
    ]);
  });

  it('warns of misspelt variables and passes over those the kubelet injects for a Service', () => {
    const environment = {
      ENI_AGENT_OBSERV: 'cni',
      ENI_AGENT_OBSERVE: 'cni',
      ENI_AGENT_CONFIG: 'f',
      ENI_AGENT_SERVICE_HOST: '10.0.0.1',
      ENI_AGENT_SERVICE_PORT_METRICS: '9808',
      ENI_AGENT_PORT_9808_TCP_ADDR: '10.0.0.1',
      ENI_AGENT_METRICS_PORT: 'tcp://10.0.0.1:9808',
      PATH: '/bin',
    };

    expect(variableWarnings(environment)).toEqual([
      'unknown environment variable ENI_AGENT_OBSERV; did you mean ENI_AGENT_OBSERVE?',
    ]);
  });
});
