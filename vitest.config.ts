import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** The kinds of tests that start the program as a process. */
const globalSetup = 'test/support/bundled-program.ts';

/**
 * One project per kind of test. `unit`, `scenario` and `contract` need nothing but npm;
 * `cluster` needs KUBEBUILDER_ASSETS (it fails without), `netns` needs root or user namespaces, `node` needs REAL_NODE_SCRIPTS and root (each says so
 * when it cannot run).
 *
 * The files of the first three share their worker's modules, which saves a third of the time: no test may leave a module, the environment or a
 * timer other than it found it. They pass in any order.
 */
export default defineConfig({
  test: {
    globalSetup: 'test/support/own-temporary-folder.ts',
    // Two more than cores: a few files wait for real processes most of their time.
    maxWorkers: availableParallelism() + 2,
    // Longer than the longest wait within (`PATIENCE_MS`), so that a test fails with the name of what it waited for.
    projects: [
      project('unit', { testTimeout: 120_000, isolate: false }),
      // Tests that are concurrent wait for real processes: all of a file at once.
      project('scenario', {
        testTimeout: 180_000,
        hookTimeout: 120_000,
        globalSetup,
        isolate: false,
        maxConcurrency: 8,
      }),
      project('contract', { testTimeout: 180_000, hookTimeout: 120_000, globalSetup, isolate: false }),
      project('cluster', {
        testTimeout: 240_000,
        hookTimeout: 120_000,
        fileParallelism: false,
        globalSetup,
        setupFiles: ['test/support/need-control-plane.ts'],
      }),
      // Virtual time, with whatever CPU is left: they run beside others.
      project('faults', { testTimeout: 1_200_000 }),
      project('netns', { testTimeout: 240_000, hookTimeout: 120_000, fileParallelism: false, globalSetup }),
      project('node', { testTimeout: 240_000, hookTimeout: 600_000, fileParallelism: false }),
    ],
  },
});

function project(name: string, options: Record<string, unknown>) {
  return { test: { name, include: [`test/${name}/**/*.test.ts`], pool: 'forks' as const, ...options } };
}
