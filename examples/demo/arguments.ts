/** Reads and checks the arguments of the demo. */
import { parseArgs } from 'node:util';
import { PACES, type StoreName } from './settings.js';

export interface Arguments {
  readonly store: StoreName;
  /** Whether to end with the summary as one line of JSON. */
  readonly json: boolean;
  /** Only this many files, the first ones. */
  readonly files: number | undefined;
}

/** An argument is not valid; the message says which. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const STORES = Object.keys(PACES) as StoreName[];

/** @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  const { store, json, files } = parsed(args);
  const known = STORES.find((each) => each === store);
  if (known === undefined)
    throw new UsageError(`--store: expected ${STORES.join(' or ')}, got ${JSON.stringify(store)}`);
  if (files !== undefined && !/^[1-9]\d*$/.test(files))
    throw new UsageError(`--files: expected a whole number above 0, got ${JSON.stringify(files)}`);
  return { store: known, json, files: files === undefined ? undefined : Number(files) };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        store: { type: 'string', default: 'sqlite' },
        json: { type: 'boolean', default: false },
        files: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}
