/** The one part of undici that is needed. The package's index would load fetch, WebSocket and caches too: 9 MB resident. */
declare module 'undici/lib/dispatcher/agent.js' {
  import { Agent } from 'undici';

  export default Agent;
}
