import { readFileSync } from 'node:fs';

const PATH = /^\/api\/v1\/namespaces\/(?<namespace>[^/]+)\/pods\/(?<name>[^/]+)\/log$/;

/** The log of a pod that runs as a process; undefined for another path or a pod without one. Options such as `tailLines` change nothing. */
export function logOf(files: ReadonlyMap<string, string>, path: string): string | undefined {
  const target = PATH.exec(path)?.groups;
  const file = target && files.get(`${target['namespace']}/${target['name']}`);
  return file === undefined ? undefined : readFileSync(file, 'utf8');
}
