import { readFileSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Metafile } from 'esbuild';
import { build } from 'esbuild';

/**
 * Bundles the program into one file without dependencies: `node build.ts [entry] [--outfile=dist/eni-agent.mjs]`.
 * Beside it go a source map and `meta.json`, esbuild's account of what is inside.
 *
 * `mainFields` prefers ES modules, so that the AWS client is tree-shaken (it halves resident memory). Some dependencies are
 * CommonJS and call `require` for node's own modules: the banner gives them one.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { outfile: { type: 'string', default: 'dist/eni-agent.mjs' } },
});
const entry = positionals[0] ?? 'agent/main.ts';
const { outfile } = values;
const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string };

const { metafile } = await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  mainFields: ['module', 'main'],
  conditions: ['module', 'import', 'node'],
  minify: true,
  sourcemap: 'external',
  legalComments: 'none',
  metafile: true,
  define: { ENI_AGENT_VERSION: JSON.stringify(version) },
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});

const folder = outfile.slice(0, outfile.lastIndexOf('/') + 1) || './';
await mkdir(folder, { recursive: true });
await writeFile(`${folder}meta.json`, JSON.stringify(metafile));
const { size } = await stat(outfile);
console.log(`${outfile}: version ${version}, ${kilobytes(size)} kB, of which`);
for (const [name, bytes] of bytesByPackage(metafile)) console.log(`${kilobytes(bytes).padStart(8)} kB  ${name}`);

/** Bytes that each npm package, or the program itself, has in the output; largest first. */
function bytesByPackage({ outputs }: Metafile): readonly (readonly [string, number])[] {
  const sums = new Map<string, number>();
  for (const { inputs } of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const name = packageOf(path);
      sums.set(name, (sums.get(name) ?? 0) + bytesInOutput);
    }
  }
  return [...sums].filter(([, bytes]) => bytes > 500).sort(([, a], [, b]) => b - a);
}

function packageOf(path: string): string {
  return /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? 'eni-agent';
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(0);
}
