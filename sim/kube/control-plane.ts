import type { FailureRule, KubeFaults } from './faults.ts';
import { isRecord } from './object.ts';
import type { KubeRequest, RequestRecord } from './request.ts';
import { jsonBody } from './request.ts';
import { badRequest, noSuchResource } from './status.ts';
import type { ObjectStore } from './store.ts';

/**
 * The simulator's own endpoints, for test programs in other processes:
 * `GET /_sim/requests`, `DELETE /_sim/requests`, `GET /_sim/faults`, and by POST `/_sim/faults/cut-watches`,
 * `end-watches`, `hang-watches`, `send-bookmarks`, `refuse {ms}`, `fail {code, retryAfter, times, …}`, `latency {ms}`,
 * `clear`, and `/_sim/compact`.
 */
export function controlAnswer(
  request: KubeRequest,
  store: ObjectStore,
  requests: RequestRecord[],
  faults: KubeFaults,
): unknown {
  const command = `${request.method} ${request.path.slice('/_sim'.length)}`;
  switch (command) {
    case 'GET /requests':
      return requests;
    case 'DELETE /requests':
      return requests.splice(0).length;
    case 'POST /compact':
      store.hub.compact(store.revision);
      return { revision: store.revision };
    default:
      return faultAnswer(command, request, faults);
  }
}

function faultAnswer(command: string, request: KubeRequest, faults: KubeFaults): unknown {
  switch (command) {
    case 'GET /faults':
      break;
    case 'POST /faults/cut-watches':
      faults.cutWatches();
      break;
    case 'POST /faults/end-watches':
      faults.endWatches();
      break;
    case 'POST /faults/hang-watches':
      faults.watchesHang = true;
      break;
    case 'POST /faults/send-bookmarks':
      faults.sendBookmarks();
      break;
    case 'POST /faults/refuse':
      faults.refuseConnections(milliseconds(request));
      break;
    case 'POST /faults/latency':
      faults.latencyMs = milliseconds(request);
      break;
    case 'POST /faults/fail':
      faults.fail(jsonBody(request) as FailureRule);
      break;
    case 'POST /faults/clear':
      faults.clear();
      break;
    default:
      throw noSuchResource();
  }
  return faults.state();
}

function milliseconds(request: KubeRequest): number {
  const body = jsonBody(request);
  const ms = isRecord(body) ? body['ms'] : undefined;
  if (typeof ms !== 'number') throw badRequest('{"ms": number} is needed');
  return ms;
}
