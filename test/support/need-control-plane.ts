import { whyNoControlPlane } from './control-plane.ts';

/** Before each file of the project `cluster`: nothing there is skipped, so what is missing is a failure that names it. */
const reason = whyNoControlPlane();
if (reason !== undefined) throw new Error(`the cluster tests need a real API server: ${reason} (docs/testing.md)`);
