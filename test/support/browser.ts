import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where a Chromium is; undefined on a machine without one. */
export const CHROMIUM = [
  process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find(isExecutable);

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** One page in a headless Chromium, driven by the DevTools protocol. */
export interface Page {
  /** The value of an expression in the page, awaited. @throws {Error} with what the page threw */
  evaluate<T>(expression: string): Promise<T>;
  /** Evaluates until it is true. @throws {Error} after 30 s, with what the page shows then */
  until(expression: string): Promise<void>;
  /** Presses a key as a person does: `ArrowRight`, `/`, `p`. */
  press(key: string): Promise<void>;
  dark(on: boolean): Promise<void>;
  close(): Promise<void>;
}

interface Answer {
  readonly id?: number;
  readonly result?: { readonly result?: { readonly value?: unknown }; readonly exceptionDetails?: object };
  readonly error?: { readonly message: string };
}

/** Opens a page in a browser of its own. */
export async function openPage(url: string): Promise<Page> {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-port=0'];
  const browser = spawn(CHROMIUM ?? '', [...flags, `--user-data-dir=${profile}`, url], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const gone = new Promise<void>((resolve) => browser.once('close', () => resolve()));
  const port = await new Promise<string>((resolve, reject) => {
    let said = '';
    browser.stderr.on('data', (chunk: Buffer) => {
      said += String(chunk);
      const found = /DevTools listening on ws:\/\/[^:]+:(\d+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    browser.once('close', () => reject(new Error(`chromium ended: ${said}`)));
  });
  const socket = new WebSocket(await pageSocket(port, url));
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error('no way to the page')), { once: true });
  });
  const page = drive(socket);
  const close = async () => {
    socket.close();
    browser.kill();
    await gone;
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  return { ...page, close };
}

/** The page's own socket, once the browser lists it. */
async function pageSocket(port: string, url: string): Promise<string> {
  for (let tries = 0; tries < 300; tries += 1) {
    const response = await fetch(`http://127.0.0.1:${port}/json/list`);
    const targets = (await response.json()) as { type: string; url: string; webSocketDebuggerUrl: string }[];
    const found = targets.find((target) => target.type === 'page' && target.url === url);
    if (found !== undefined) return found.webSocketDebuggerUrl;
    await pause(100);
  }
  throw new Error(`chromium never opened ${url}`);
}

function drive(socket: WebSocket): Omit<Page, 'close'> {
  let last = 0;
  const waiting = new Map<number, (answer: Answer) => void>();
  socket.addEventListener('message', ({ data }) => {
    const answer = JSON.parse(String(data)) as Answer;
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
  });
  const send = (method: string, params: object) =>
    new Promise<Answer>((resolve) => {
      last += 1;
      waiting.set(last, resolve);
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  const evaluate = async <T>(expression: string): Promise<T> => {
    const { result, error } = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (error !== undefined || result?.exceptionDetails !== undefined)
      throw new Error(`${expression}: ${JSON.stringify(error ?? result?.exceptionDetails)}`);
    return result?.result?.value as T;
  };
  return {
    evaluate,
    until: async (expression) => {
      for (let tries = 0; tries < 300; tries += 1) {
        if (await evaluate(`Boolean(${expression})`)) return;
        await pause(100);
      }
      throw new Error(`never true: ${expression}; the page shows ${await evaluate<string>('document.body.innerText')}`);
    },
    press: async (key) => {
      const text = key.length === 1 ? { text: key } : {};
      await send('Input.dispatchKeyEvent', { type: 'keyDown', key, ...text });
      await send('Input.dispatchKeyEvent', { type: 'keyUp', key });
    },
    dark: async (on) => {
      const features = [{ name: 'prefers-color-scheme', value: on ? 'dark' : 'light' }];
      await send('Emulation.setEmulatedMedia', { features });
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
