import { startKubeApi } from '../../sim/kube/server.ts';

/** The simulated API server in a process of its own; tells its URL and kubeconfig over IPC. */
const kube = await startKubeApi();
process.send?.({ url: kube.url, kubeconfig: kube.kubeconfig() });
process.once('disconnect', () => process.exit());
