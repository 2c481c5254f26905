/**
 * The test bed as a process of its own, for the demo: it sends what the driver needs to connect, and ends when its parent
 * closes the channel or exits.
 *
 * On the message `{ except }` it answers with the next head of the exchange log (other than that pod), and holds the head's UPDATE
 * until the next message. If FLEET_Q_TEST_COUNTS names a file, it writes there at the end what the table says.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Driver } from './driver.js';
import { watchForHead } from './head-watch.js';
import { startTestBed, type TestBed } from './test-bed.js';

// Ctrl-C reaches each process of the demo. The pods still need the warehouse then, until the demo closes the channel.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

const parentLeft = new Promise<void>((resolve) => process.once('disconnect', resolve));
const bed = await startTestBed().catch((error: unknown) => {
  if ((error as Error).name !== 'NoPythonError') throw error;
  process.send?.({ noPython: needsPython((error as Error).message) });
});
if (bed !== undefined) {
  try {
    const place = await bed.freshSchema();
    process.on('message', (message: { readonly except?: string | null }) => {
      if (message.except !== undefined) awaitHead(bed, message.except);
    });
    process.send?.({ connection: bed.connection, ...place });
    await parentLeft;
    bed.proxy.watch.put(undefined);
    const file = process.env['FLEET_Q_TEST_COUNTS'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(await counts(bed, place)));
  } finally {
    await bed.stop();
  }
}
if (process.connected) process.disconnect();

function awaitHead({ proxy }: TestBed, except: string | null): void {
  watchForHead(proxy, except, async (head) => {
    const done = Promise.race([once(process, 'message'), parentLeft]);
    process.send?.({ head });
    await done;
  });
}

/** What the table and the log of requests say, without the library. */
async function counts({ connection }: TestBed, place: object): Promise<object> {
  const driver = await Driver.connect({ ...connection, ...place });
  try {
    const [steps] = await driver.run(`SELECT COUNT(*) AS "rows", COUNT(DISTINCT step_id) AS "ids",
  SUM(IFF(status = 'completed' AND result IS NOT NULL, 1, 0)) AS "completed", SUM(IFF(claim_token IS NULL, 0, 1)) AS "claimed",
  SUM(IFF(settled_version = version - 1 AND MOD(version, 2) = 0, 1, 0)) AS "settledByTheirClaim",
  SUM(version / 2) AS "claims", SUM(crashes) AS "crashes" FROM STEP_TRACKER`);
    const [log] = await driver.run(`SELECT COUNT(DISTINCT pod_id) AS "podsThatAsked" FROM EXCHANGE_REQUEST`);
    const evicted = await driver.run(`SELECT DISTINCT pod_id AS "pod" FROM POD_LOG WHERE event = 'evicted'`);
    return { ...steps, ...log, evicted: evicted.map((row) => String(row['pod'])).sort() };
  } finally {
    await driver.close();
  }
}

function needsPython(problem: string): string {
  return (
    `The demo on Snowflake runs on an emulator, and for that it needs Python: ${problem}.\n` +
    'Install it (Debian and Ubuntu: apt install python3 python3-venv; macOS: brew install python3; Windows: winget\n' +
    'install Python.Python.3.13), or name another one in FLEET_Q_TEST_PYTHON. The demo on SQLite needs no Python: npm run demo'
  );
}
