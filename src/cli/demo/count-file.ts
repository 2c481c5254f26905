/** The demo's step: reads one file, and returns its size, its number of lines and its SHA-256. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { defineStep } from '../../index.js';

export interface FileCount {
  readonly bytes: number;
  readonly lines: number;
  readonly sha256: string;
}

/**
 * Counting a file is fast, while real steps mostly wait for something. So each step also waits for `waitMs`. That keeps
 * every slot busy, so that a pod that dies holds steps.
 */
export interface FileToCount {
  readonly root: string;
  readonly file: string;
  readonly waitMs: number;
}

export const countFile = defineStep({
  type: 'count_file',
  timeoutMs: 30_000,
  async run({ root, file, waitMs }: FileToCount, { signal }): Promise<FileCount> {
    await pause(waitMs, undefined, { signal });
    const hash = createHash('sha256');
    let bytes = 0;
    let lines = 0;
    await using handle = await open(path.join(root, file));
    for await (const chunk of handle.createReadStream({ autoClose: false })) {
      const block = chunk as Buffer;
      hash.update(block);
      bytes += block.length;
      for (let at = block.indexOf(10); at !== -1; at = block.indexOf(10, at + 1)) lines++;
    }
    return { bytes, lines, sha256: hash.digest('hex') };
  },
});
