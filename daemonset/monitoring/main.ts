import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { monitoringFiles } from './manifests.ts';

/** `npm run monitoring`: writes the alert rules and the dashboard for kustomize and for the chart. */
for (const [path, content] of Object.entries(monitoringFiles())) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  process.stdout.write(`${path}\n`);
}
