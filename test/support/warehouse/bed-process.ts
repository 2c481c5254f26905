/**
 * The test bed as a process of its own, for the demo: it sends what the driver needs to connect, and ends when its parent
 * closes the channel or exits.
 */
import { startTestBed } from './test-bed.js';

// Ctrl-C reaches each process of the demo. The pods still need the warehouse then, until the demo closes the channel.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

const parentLeft = new Promise<void>((resolve) => process.once('disconnect', resolve));
const bed = await startTestBed().catch((error: unknown) => {
  if ((error as Error).name !== 'NoPythonError') throw error;
  process.send?.({ noPython: needsPython((error as Error).message) });
});
if (bed !== undefined) {
  try {
    process.send?.({ connection: bed.connection, ...(await bed.freshSchema()) });
    await parentLeft;
  } finally {
    await bed.stop();
  }
}
if (process.connected) process.disconnect();

function needsPython(problem: string): string {
  return (
    `The demo on Snowflake runs on an emulator, and for that it needs Python: ${problem}.\n` +
    'Install it (Debian and Ubuntu: apt install python3 python3-venv; macOS: brew install python3; Windows: winget\n' +
    'install Python.Python.3.13), or name another one in FLEET_Q_TEST_PYTHON. The demo on SQLite needs no Python: npm run demo'
  );
}
