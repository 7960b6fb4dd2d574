import { nearest } from './nearest.ts';
import { OPTIONS, variableOf } from './options.ts';
import type { Environment } from './sources.ts';
import { CONFIG_FILE } from './sources.ts';

/** Variables of the tools that we stand in for, which nothing needs any more. */
const OBSOLETE: Readonly<Record<string, string>> = {
  PEC_VPC_ID: 'is no longer needed: the agent knows the ENIs of its node',
  PEC_RESYNC_PERIOD: 'is no longer needed: the agent keeps one watch, and looks at EC2 every --ec2-resync',
};

/**
 * Sentences about `ENI_AGENT_*` variables that no option means: probably misspelt. Warnings, not faults: a Service named
 * `eni-agent` makes the kubelet inject `ENI_AGENT_SERVICE_HOST`, `ENI_AGENT_PORT` and their like, which are passed over.
 */
export function variableWarnings(environment: Environment): readonly string[] {
  const known = [...Object.values(OPTIONS), CONFIG_FILE].map(variableOf);
  const obsolete = Object.entries(OBSOLETE).filter(([name]) => environment[name]?.trim());
  const unknown = Object.keys(environment)
    .filter((name) => name.startsWith('ENI_AGENT_') && !known.includes(name) && !SERVICE_LINK.test(name))
    .sort()
    .map((name) => {
      const meant = nearest(name, known);
      return `unknown environment variable ${name}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
    });
  return [...unknown, ...obsolete.map(([name, why]) => `environment variable ${name} ${why}`)];
}

const SERVICE_LINK = /_(?:SERVICE_(?:HOST|PORT)(?:_\w+)?|PORT(?:_\d+_\w+)?)$/;
