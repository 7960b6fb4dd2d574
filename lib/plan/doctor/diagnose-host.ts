import type { Check, Evidence } from './evidence.ts';
import { unanswered } from './unanswered.ts';

/** Capabilities by bit that reading the pods' network namespaces takes (capability.h). */
const NEEDED = [
  ['CAP_NET_BROADCAST', 11n],
  ['CAP_SYS_ADMIN', 21n],
  ['CAP_NET_ADMIN', 12n],
] as const;

export function diagnoseHost({ folders, namespaces, capabilities, observe }: Evidence): Check[] {
  const finding = `not needed with --observe=${observe}`;
  const checks = folders.map(({ path, option, readable }): Check => {
    const name = `folder ${path}`;
    if (observe === 'annotations' || (observe === 'cni' && option === 'netns-dir'))
      return { name, verdict: 'skipped', finding };
    if (readable) return { name, verdict: 'pass', finding: 'readable' };
    const fix = `mount it from the host, or name the right one with --${option}; with --observe=annotations neither is needed`;
    // The agent is not ready without the namespaces; the first CNI ADD of a node makes the folder of the cache.
    return { name, verdict: option === 'netns-dir' ? 'fail' : 'warn', finding: 'cannot be read', fix };
  });
  if (observe !== 'live') {
    const unneeded = (name: string): Check => ({ name, verdict: 'skipped', finding });
    return [...checks, unneeded('network namespaces'), unneeded('capabilities')];
  }
  return [...checks, propagation(namespaces), capability(capabilities)];
}

/** A file or two without a namespace are left over from a crash; when none has one, the mounts are not seen. */
function propagation(answer: Evidence['namespaces']): Check {
  const name = 'network namespaces';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  const { dir, files, mounted } = answer.value;
  const finding = `${mounted} of ${files} files in ${dir} are mounted namespaces`;
  if (files === 0 || mounted > 0) return { name, verdict: 'pass', finding };
  const fix =
    'mount the folder with mountPropagation: HostToContainer, from a shared mount of the host (findmnt -o PROPAGATION /run)';
  return { name, verdict: 'warn', finding, fix };
}

function capability(answer: Evidence['capabilities']): Check {
  const name = 'capabilities';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  const missing = NEEDED.filter(([, bit]) => ((answer.value >> bit) & 1n) === 0n).map(([label]) => label);
  if (missing.length === 0) return { name, verdict: 'pass', finding: NEEDED.map(([label]) => label).join(', ') };
  const fix = 'add them in the securityContext, or use --observe=cni or annotations, which need none';
  return {
    name,
    verdict: 'warn',
    finding: `${missing.join(' and ')} missing: addresses inside pods are not seen`,
    fix,
  };
}
