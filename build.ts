import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Metafile, Plugin } from 'esbuild';
import { build } from 'esbuild';

/** Bytes of the output by npm package, the program's own under `eni-agent`; largest first. */
export type Contents = readonly (readonly [name: string, bytes: number])[];

export interface Bundle {
  readonly contents: Contents;
  readonly metafile: Metafile;
  /** Bytes of the program's file. */
  readonly size: number;
}

const EC2_SCHEMAS = 'client-ec2/dist-es/schemas/schemas_0.js';

/** The simulated world and what runs in it: 185 kB that no node needs. */
const NOT_SHIPPED = /^(?:sim|demo|test|bench)\//;

/** Tree-shaken it is 59 kB, whole 700 kB. */
const EC2_SCHEMAS_CEILING = 100_000;

/**
 * Bundles the program into one file without dependencies; beside it go a source map and the page of `ui`.
 *
 * `mainFields` prefers ES modules, so that the AWS client is tree-shaken (it halves resident memory). Some dependencies are
 * CommonJS and call `require` for node's own modules: the banner gives them one.
 * @throws when an update of the SDK undoes the tree-shaking of EC2's schemas, or when the program has come to import what is not
 * shipped.
 */
export async function bundle(entry: string, outfile: string): Promise<Bundle> {
  const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string };
  const { metafile, outputFiles } = await build({
    entryPoints: [entry],
    absWorkingDir: import.meta.dirname,
    outfile,
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    mainFields: ['module', 'main'],
    conditions: ['module', 'import', 'node'],
    minify: true,
    sourcemap: 'external',
    legalComments: 'none',
    metafile: true,
    define: { ENI_AGENT_VERSION: JSON.stringify(version), ENI_AGENT_COMMIT: JSON.stringify(commitOf()) },
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    plugins: [shakableEc2Index, shakableEc2Schemas, narrowKubernetesClient],
    logLevel: 'warning',
  });
  checkContents(metafile);
  await mkdir(dirname(outfile), { recursive: true });
  for (const { path, contents } of outputFiles) await writeFile(path, contents);
  // Read when somebody runs `ui`: no other command carries them, and the image leaves them out.
  for (const file of ['page.html', 'page.js'])
    await copyFile(join(import.meta.dirname, 'agent/ui', file), join(dirname(outfile), file));
  const size = outputFiles.find(({ path }) => path.endsWith('.mjs'))?.contents.length ?? 0;
  const contents = [...bytesBy(metafile, packageOf)].toSorted(([, a], [, b]) => b - a);
  return { contents, metafile, size };
}

function checkContents(metafile: Metafile): void {
  const unshipped = Object.keys(metafile.inputs).filter((path) => NOT_SHIPPED.test(path));
  if (unshipped.length > 0)
    throw new Error(
      `${unshipped.length} files that are not shipped are in the bundle, such as ${unshipped[0]}; see NOT_SHIPPED`,
    );
  const schemas = bytesBy(metafile, (path) => (path.endsWith(EC2_SCHEMAS) ? 'schemas' : 'rest')).get('schemas') ?? 0;
  if (schemas > EC2_SCHEMAS_CEILING)
    throw new Error(`${EC2_SCHEMAS} takes ${schemas} bytes: it is not tree-shaken; see shakableEc2Schemas`);
}

/** `COMMIT` where the sources come without their history (an image's build), else what git says. */
function commitOf(): string {
  if (process.env['COMMIT']) return process.env['COMMIT'];
  const { status, stdout } = spawnSync('git', ['rev-parse', '--short=12', 'HEAD'], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : 'unknown';
}

/**
 * Our commands are loaded by `import()`, and a bundler that writes one file must keep everything that an index reached in this way
 * exports. This index exports only what our adapter imports.
 */
const shakableEc2Index: Plugin = {
  name: 'shakable-ec2-index',
  setup: (esbuild) => {
    esbuild.onLoad({ filter: /client-ec2\/dist-es\/index\.js$/ }, () => {
      const exports = ec2Imports().map((name) => {
        const folder = name.endsWith('Command') ? './commands/' : './';
        return `export { ${name} } from '${folder}${name}';`;
      });
      return { contents: exports.join('\n'), loader: 'js' };
    });
  },
};

/** Values that lib/ec2 imports from the EC2 client. */
function ec2Imports(): string[] {
  const folder = join(import.meta.dirname, 'lib/ec2');
  const sources = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const lists = sources.flatMap((text) => [...text.matchAll(/^import \{([^}]+)\} from '@aws-sdk\/client-ec2'/gm)]);
  const names = lists.flatMap(([, list = '']) => list.split(',').map((name) => name.trim()));
  return [...new Set(names)].filter((name) => name !== '' && !name.startsWith('type '));
}

/**
 * The schemas of all 750 EC2 operations are object literals whose keys are computed from constants: `{ [_xN]: 1 }`. A bundler must
 * assume that computing a key has an effect, and keeps them all. With the constants' values written in, only those of the
 * operations in use stay: half a megabyte of code and 20 MB of resident memory less.
 */
const shakableEc2Schemas: Plugin = {
  name: 'shakable-ec2-schemas',
  setup: (esbuild) => {
    esbuild.onLoad({ filter: /client-ec2\/dist-es\/schemas\/schemas_0\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const values = new Map(
        [...source.matchAll(/^const (_\w+) = ("[^"\n]*");$/gm)].map(([, name, value]) => [name, value]),
      );
      const contents = source.replace(/([{,]\s*)\[(_\w+)\](?=:)/g, (whole, before: string, name: string) => {
        const value = values.get(name);
        return value === undefined ? whole : `${before}${value}`;
      });
      return { contents, loader: 'js' };
    });
  },
};

/** What KubeConfig imports for request paths that we do not use: 2 700 generated files, and undici with two parsers as WebAssembly. */
const UNUSED_OF_KUBE_CONFIG: Readonly<Record<string, readonly string[]>> = {
  './gen/index.js': ['createConfiguration', 'ServerConfiguration'],
  undici: ['Agent', 'ProxyAgent'],
};

/**
 * Of the Kubernetes client only KubeConfig. Its methods for the client's own requests (`makeApiClient`,
 * `applySecurityAuthentication`) throw in the bundle and say why.
 */
const narrowKubernetesClient: Plugin = {
  name: 'narrow-kubernetes-client',
  setup: (esbuild) => {
    esbuild.onLoad({ filter: /client-node\/dist\/index\.js$/ }, () => ({
      contents: `export { KubeConfig } from './config.js';`,
      loader: 'js',
    }));
    esbuild.onResolve({ filter: /^(?:\.\/gen\/index\.js|undici)$/ }, ({ path, importer }) =>
      importer.endsWith('client-node/dist/config.js') ? { path, namespace: 'unused' } : undefined,
    );
    esbuild.onLoad({ filter: /.*/, namespace: 'unused' }, ({ path }) => {
      const names = UNUSED_OF_KUBE_CONFIG[path] ?? [];
      const absent = `function absent() { throw new Error('not in the bundle: ${path}; see build.ts'); }`;
      return {
        contents: `${absent}\n${names.map((name) => `export { absent as ${name} };`).join('\n')}`,
        loader: 'js',
      };
    });
  },
};

function bytesBy({ outputs }: Metafile, nameOf: (path: string) => string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { inputs } of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const name = nameOf(path);
      sums.set(name, (sums.get(name) ?? 0) + bytesInOutput);
    }
  }
  return sums;
}

function packageOf(path: string): string {
  return /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? 'eni-agent';
}

/** `node build.ts [entry] [--outfile=dist/eni-agent.mjs]`; beside the program goes `meta.json`, esbuild's account of what is inside. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { outfile: { type: 'string', default: 'dist/eni-agent.mjs' } },
  });
  const { outfile } = values;
  const { contents, metafile, size } = await bundle(positionals[0] ?? 'agent/main.ts', outfile);
  await writeFile(`${dirname(outfile)}/meta.json`, JSON.stringify(metafile));
  console.log(`${outfile}: ${kilobytes(size)} kB, of which`);
  for (const [name, bytes] of contents) if (bytes > 500) console.log(`${kilobytes(bytes).padStart(8)} kB  ${name}`);
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(0);
}

if (import.meta.main) await main();
