/** A pod of a chaos run. It writes to its ledger what its handlers do and which events it emits. */
import { FleetQ, StoppedError, stopOnSignals, StoreError } from 'fleet-q';
import { DRAIN_MS, MAX_CRASHES, scaleIn, SLOTS, slotOf, TIMING, TRY_AGAIN } from '../settings.js';
import { ABORT_GRACE_MS, type Result } from '../workload.js';
import { storeIn, surroundings } from './process.js';
import { stepsOf } from './steps.js';

const { folder, life, ledger } = surroundings();
const scale = scaleIn(folder);

const queue = new FleetQ({
  store: storeIn(folder),
  podId: slotOf(life),
  meta: { life }, // so that the file names the life of each incarnation
  steps: stepsOf(ledger, life),
  maxParallelism: SLOTS,
  capacityThreshold: 1,
  maxCrashes: MAX_CRASHES,
  drainTimeoutMs: DRAIN_MS * scale,
  abortGraceMs: ABORT_GRACE_MS,
  retry: { baseMs: 20, capMs: 300 },
  heartbeatIntervalMs: TIMING.heartbeatIntervalMs * scale,
  deadAfterMs: TIMING.deadAfterMs * scale,
  recoveryIntervalMs: TIMING.recoveryIntervalMs * scale,
  ...(scale > 1 && { claimIntervalMs: 200, idleIntervalMs: 500 }),
});

queue.on('step:completed', ({ stepId, step, result }) =>
  ledger.write('completed', { stepId, version: step.version, run: (result as Result | undefined)?.run ?? '' }),
);
queue.on('step:failed', ({ stepId, step, error }) =>
  ledger.write('failed', { stepId, version: step.version, how: String(error.code ?? error.name) }),
);
queue.on('step:retrying', ({ stepId, attempt }) => ledger.write('retrying', { stepId, attempt }));
queue.on('step:released', ({ stepId, reason }) => ledger.write('released', { stepId, how: reason }));
queue.on('step:timedOut', ({ stepId, attempt }) => ledger.write('timedOut', { stepId, attempt }));
queue.on('step:cancelled', ({ stepId, by }) => ledger.write('cancelled', { stepId, how: by }));
queue.on('step:lost', ({ stepId, refused }) => ledger.write('lost', { stepId, how: refused }));
queue.on('pod:fenced', ({ reason }) => ledger.write('fenced', { how: reason }));
queue.on('pod:dead', ({ incarnation }) => ledger.write('evicted', { how: incarnation }));
queue.on('queue:stopped', ({ strays, unsettled }) =>
  ledger.write('stopped', { n: strays, how: unsettled === 0 ? 'settled' : 'unsettled' }),
);

stopOnSignals(queue, { signals: ['SIGTERM'] });
try {
  await queue.start();
  ledger.write('ready');
} catch (error) {
  if (error instanceof StoreError && error.transient) process.exit(TRY_AGAIN);
  if (!(error instanceof StoppedError)) throw error; // SIGTERM came before it had started
}
