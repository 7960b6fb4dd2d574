import { renderReadme } from './chart-values/readme.ts';
import { renderSchema } from './chart-values/schema.ts';
import { monitoringFiles } from './monitoring/manifests.ts';

/** Everything below daemonset/ that is made from tables, by its path from the top of the repository. */
export function generatedFiles(): Readonly<Record<string, string>> {
  return {
    ...monitoringFiles(),
    'daemonset/chart/values.schema.json': renderSchema(),
    'daemonset/chart/README.md': renderReadme(),
  };
}
