import { statSync } from 'node:fs';
import type { Row } from '../measurement.ts';
import { BUNDLE } from '../rig/rig.ts';

/** Size of the program. What is inside, and why, is listed in bench/bundle-contents.txt and compared by a unit test. */
export const bundleRow: Row = {
  name: 'bundle',
  beside: true,
  run: async () => [
    { name: 'bundle', title: 'size of the bundle', unit: 'kB', samples: [statSync(BUNDLE).size / 1000] },
  ],
};
