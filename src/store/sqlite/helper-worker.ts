/** The helper's thread: runs the errands that come through the port, each in pieces, so that none waits for another. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadSqlite } from '../../driver/sqlite.js';
import { systemRuntime } from '../../runtime/runtime.js';
import { retrying } from '../retrying.js';
import { Checkpoints } from './checkpoints.js';
import { Core } from './core.js';
import { connect } from './database.js';
import { isBusy, storeError } from './faults.js';
import type { Answer, Errand, Errands, ErrandName, HelperData } from './helper-protocol.js';
import { Scans } from './scans.js';

const { path, synchronous, busyTimeoutMs } = workerData as HelperData;
const port = parentPort;
if (port === null) throw new Error('this module runs in a worker thread');

const impatience = new AbortController();
const underWay = new Set<Promise<void>>();
const attempt = <T>(operation: () => T): Promise<T> =>
  retrying(systemRuntime, operation, {
    isBusy,
    patienceMs: busyTimeoutMs,
    giveUp: (error) => storeError(error, path),
    signal: impatience.signal,
  });

const driver = await loadSqlite();
const { connection, core, checkpoints } = await attempt(() => {
  const connection = connect(driver, { path, synchronous, autocheckpoint: 10_000 });
  return { connection, core: new Core(connection), checkpoints: new Checkpoints(connection) };
});
const scans = new Scans({
  core,
  attempt,
  pause: () => systemRuntime.yield(),
  monotonicMs: () => systemRuntime.monotonicMs(),
});

async function perform(errand: Errand): Promise<Errands[ErrandName]['answer']> {
  switch (errand.name) {
    case 'stats':
      return scans.stats(errand.ask.now);
    case 'list':
      return scans.list(errand.ask.filter, errand.ask.after);
    case 'prune':
      return scans.prune(errand.ask.now, errand.ask.keepMs);
    case 'checkpoint':
      await attempt(() => checkpoints.run());
      return null;
    case 'close':
      impatience.abort();
      await Promise.allSettled(underWay);
      connection.close();
      return null;
  }
}

async function serve(errand: Errand): Promise<Answer> {
  try {
    return { id: errand.id, value: await perform(errand) };
  } catch (error) {
    const { code, message, transient } = storeError(error, path);
    return { id: errand.id, failure: { code, message, transient } };
  }
}

port.on('message', (errand: Errand) => {
  const served = serve(errand).then((answer) => {
    port.postMessage(answer);
    if (errand.name === 'close') port.close();
  });
  if (errand.name === 'close') return;
  underWay.add(served);
  void served.finally(() => underWay.delete(served));
});
