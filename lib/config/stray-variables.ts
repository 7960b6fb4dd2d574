import { nearest } from './nearest.ts';
import { OPTIONS, variableOf } from './options.ts';
import type { Environment } from './sources.ts';
import { CONFIG_FILE } from './sources.ts';

/**
 * Sentences about `ENI_AGENT_*` variables that no option means: probably misspelt. Warnings, not faults: a Service named
 * `eni-agent` makes the kubelet inject `ENI_AGENT_SERVICE_HOST`, `ENI_AGENT_PORT` and their like, which are passed over.
 */
export function strayVariables(environment: Environment): readonly string[] {
  const known = [...Object.values(OPTIONS), CONFIG_FILE].map(variableOf);
  return Object.keys(environment)
    .filter((name) => name.startsWith('ENI_AGENT_') && !known.includes(name) && !SERVICE_LINK.test(name))
    .sort()
    .map((name) => {
      const meant = nearest(name, known);
      return `environment variable ${name} means nothing${meant === undefined ? '' : `; did you mean ${meant}?`}`;
    });
}

const SERVICE_LINK = /_(?:SERVICE_(?:HOST|PORT)(?:_\w+)?|PORT(?:_\d+_\w+)?)$/;
