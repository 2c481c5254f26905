/** The queue of this process: one, however often Next loads this module. */
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';

function createQueue() {
  return new FleetQ({ store: sqlite({ path: process.env['FLEET_Q_SQLITE_PATH'] ?? 'next.db' }) }).register(
    'greet',
    ({ name }: { name: string }) => `Hello, ${name}.`,
  );
}

const shared = globalThis as { queue?: ReturnType<typeof createQueue> };

export const queue = (shared.queue ??= createQueue());
