/** Aborts on SIGTERM and SIGINT; a second one ends the process at once. */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      stopping.abort(new Error(`received ${name}`));
      process.once(name, () => process.exit(1));
    });
  }
  return stopping.signal;
}
