/**
 * How long a test waits for what a real process does, ms. It says nothing of how fast that is: a machine that does five other things at
 * once takes tens of seconds to start a program.
 */
export const PATIENCE_MS = 90_000;
