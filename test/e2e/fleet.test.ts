/** A fleet of three pods on one SQLite file. */
import { sqlite } from 'fleet-q/sqlite';
import { beforeEach, vi } from 'vitest';
import { faultySqlite, temporaryPath } from '../support/queues.js';
import { describeFleet, type Ground, type Line } from './fleet/index.js';

// If the machine stalls, leaders count their checks of a peer again, and declare it dead later.
vi.setConfig({ testTimeout: 60_000 });

let path: string;
beforeEach(() => {
  path = temporaryPath();
});

const ground: Ground = {
  timing: { heartbeatIntervalMs: 100, deadAfterMs: 2_000, recoveryIntervalMs: 100 },
  store: () => sqlite({ path }),
  line,
};

async function line(): Promise<Line> {
  let isCut = false;
  const store = faultySqlite(() => (isCut ? { fails: 'before' } : undefined), path);
  return { store, cut: () => void (isCut = true), mend: () => void (isCut = false) };
}

describeFleet('a fleet on SQLite', () => ground);
