/** What all processes of the demo agree on. The intervals are short, so that the story fits into a minute. */
import { sqlite } from 'fleet-q/sqlite';
import path from 'node:path';

export const TIMING = { heartbeatIntervalMs: 500, deadAfterMs: 2_500, recoveryIntervalMs: 500 } as const;

/** The store of the demo, in its own folder. */
export const storeIn = (folder: string) => sqlite({ path: path.join(folder, 'queue.db') });
