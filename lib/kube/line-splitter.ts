const NEWLINE = 0x0a;

/** Cuts a byte stream into lines. A line is decoded once, whole, so that a character split between chunks survives. */
export interface LineSplitter {
  push(chunk: Buffer): void;
}

/** Calls back synchronously for each non-empty line; the rest of an unfinished line is kept until its end arrives. */
export function createLineSplitter(onLine: (line: string) => void): LineSplitter {
  let pending: Buffer[] = [];

  return {
    push(chunk) {
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
        const line = takeLine(chunk.subarray(from, end));
        from = end + 1;
        if (line !== '') onLine(line);
      }
      if (from < chunk.length) pending.push(chunk.subarray(from));
    },
  };

  function takeLine(last: Buffer): string {
    if (pending.length === 0) return last.toString('utf8');
    const whole = Buffer.concat([...pending, last]);
    pending = [];
    return whole.toString('utf8');
  }
}
