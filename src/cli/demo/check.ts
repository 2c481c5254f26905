/** The independent pass: reads the same files whole, by code that shares nothing with the queue. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { FileCount } from './count-file.js';

/** Every regular file below a folder, as paths from it. Names that start with a dot are left out: tools rewrite them. */
export function filesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith('.'))
    .sort();
}

export function expected(root: string, file: string): FileCount {
  const content = readFileSync(path.join(root, file));
  const sha256 = createHash('sha256').update(content).digest('hex');
  const lines = content.toString('latin1').split('\n').length - 1;
  return { bytes: content.length, lines, sha256 };
}

export function isRight(result: unknown, { bytes, lines, sha256 }: FileCount): boolean {
  const count = result as Partial<FileCount> | undefined;
  return count?.bytes === bytes && count.lines === lines && count.sha256 === sha256;
}
