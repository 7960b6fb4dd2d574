import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

export interface Import {
  /** The importing file, from the top of the repository. */
  readonly from: string;
  /** A file from the top of the repository, or a package or built-in by its name (`node:fs`, `@aws-sdk/client-ec2`). */
  readonly to: string;
  /** `import type`: nothing is loaded. @default false */
  readonly types?: boolean;
}

/** All files below a folder of the repository with one of these endings, from the top of the repository, sorted. */
export function filesIn(folder: string, ...endings: readonly string[]): readonly string[] {
  return readdirSync(join(REPOSITORY, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => relative(REPOSITORY, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes('node_modules/'))
    .sort();
}

export function contentOf(path: string): string {
  return readFileSync(join(REPOSITORY, path), 'utf8');
}

export function importsOf(path: string): readonly Import[] {
  return importsIn(path, contentOf(path));
}

/**
 * Finds `import … from 'x'`, `export … from 'x'`, `import 'x'` and `import('x')`. A statement begins a line, so a mention in a
 * comment is not taken for one; a dynamic import may stand anywhere outside a comment line.
 */
export function importsIn(path: string, source: string): readonly Import[] {
  const code = source.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  const fixed = [...code.matchAll(/^(?:import\s*|(?:import|export)\b[^'"`;=]*?\bfrom\s*)['"]([^'"]+)['"]/gm)];
  const dynamic = [...code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)];
  return [...fixed, ...dynamic].map((match) => ({
    from: path,
    to: target(path, match[1] ?? ''),
    types: /^(?:import|export) type\b/.test(match[0]),
  }));
}

function target(from: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  return relative(REPOSITORY, join(REPOSITORY, from, '..', specifier));
}
