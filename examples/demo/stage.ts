/** Makes a store for one run of the demo, and removes it afterwards. */
import path from 'node:path';
import type { Place, StoreName } from './settings.js';

export interface Stage {
  readonly place: Place;
  /** What it is, for the output. */
  readonly what: string;
  /** Removes everything. */
  close(): Promise<void>;
}

/** @throws NoStageError */
export function openStage(store: StoreName, folder: string): Promise<Stage> {
  return STAGES[store](folder);
}

/** Something is not installed; the message says what to install. */
export class NoStageError extends Error {
  override readonly name = 'NoStageError';
}

const STAGES: Readonly<Record<StoreName, (folder: string) => Promise<Stage>>> = {
  sqlite: async (folder) => ({
    place: { store: 'sqlite', path: path.join(folder, 'queue.db') },
    what: 'one SQLite file',
    close: async () => {},
  }),

  async snowflake() {
    // Loaded only here: it is the test bed of the store, and needs Python.
    const { startTestBed } = await import('../../test/support/warehouse/test-bed.js');
    const bed = await startTestBed().catch((error: unknown) => {
      throw explained(error);
    });
    try {
      const place = { store: 'snowflake', connection: bed.connection, ...(await bed.freshSchema()) } as const;
      return { place, what: 'an emulated Snowflake', close: () => bed.stop() };
    } catch (error) {
      await bed.stop();
      throw error;
    }
  },
};

function explained(error: unknown): unknown {
  const { name, message } = error as Error;
  if (name !== 'NoPythonError') return error;
  return new NoStageError(
    `The demo on Snowflake runs on an emulator, and for that it needs Python: ${message}.\n` +
      'Install it (Debian and Ubuntu: apt install python3 python3-venv; macOS: brew install python3; Windows: winget\n' +
      'install Python.Python.3.13), or name another one in FLEET_Q_TEST_PYTHON. The demo on SQLite needs no Python: npm run demo',
    { cause: error },
  );
}
