/** JSON from an argument, from a file (`@file`), or from standard input (`-`). */
import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { UsageError } from '../exit-codes.js';
import type { Io } from '../io.js';

/** @param what names the value in messages @throws UsageError */
export async function jsonValue(io: Io, given: string, what: string): Promise<unknown> {
  return parsedJson(await source(io, given, what), what);
}

async function source(io: Io, given: string, what: string): Promise<string> {
  if (given === '-') return textOf(io.stdin);
  if (!given.startsWith('@')) return given;
  try {
    return await readFile(given.slice(1), 'utf8');
  } catch (error) {
    throw new UsageError(`${what}: ${(error as Error).message}`);
  }
}

/** @throws UsageError */
export function parsedJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    throw new UsageError(`${what}: expected JSON, got ${JSON.stringify(shown)}: ${(error as Error).message}`);
  }
}
