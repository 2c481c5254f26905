/** Places: where a subject keeps its steps. Each measurement gets a fresh one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Servers } from './servers.js';

export interface Place {
  /** A path in a folder of its own. */
  readonly file: string;
  /** The URL of an empty database. */
  readonly postgres?: string | undefined;
  readonly redisPort?: number | undefined;
  /** A name that no other place has. */
  readonly name: string;
  /** Whether acknowledged work survives a power loss. */
  readonly full: boolean;
}

let made = 0;

export async function withPlace<T>(
  { servers, full = false }: { readonly servers?: Servers; readonly full?: boolean },
  run: (place: Place) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'fleet-q-bench-'));
  const name = `bench_${process.pid}_${++made}`;
  try {
    const postgres = await servers?.postgres?.database(name, full);
    await servers?.redis?.empty(full);
    return await run({ file: path.join(folder, 'queue.db'), postgres, redisPort: servers?.redis?.port, name, full });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await servers?.postgres?.drop(name);
  }
}
