/** Open and close: once each, waiting for open calls; a closed store stays closed. */
import { expect, it } from 'vitest';
import { StoreError } from '../../src/errors.js';
import type { Store } from '../../src/store/contract.js';
import { claimRequest, fresh, ids, newSteps, type Harness } from './harness.js';

const POD = { podId: 'pod', incarnation: 'life' };

/** Calls of every verb that change nothing. */
const CALLS: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  submit: (store) => store.submit(newSteps(1)),
  exchange: (store) => store.exchange({ pod: POD, settlements: [], claim: claimRequest() }),
  settle: (store) =>
    store.settle(POD, [
      {
        stepId: 's',
        claimToken: 't',
        version: 1,
        status: 'failed',
        delayMs: null,
        charge: 0,
        crash: 0,
        result: null,
        error: null,
      },
    ]),
  find: (store) => store.find(['s']),
  list: (store) => store.list({ order: 'oldest', limit: 1 }),
  stats: (store) => store.stats(),
  cancel: (store) => store.cancel(fresh('cancel'), [{ stepId: 's', version: 1 }]),
  retry: (store) => store.retry([{ stepId: 's', version: 1 }]),
  prune: (store) => store.prune({ keepMs: 1 }),
  register: (store) => store.register({ ...POD, heartbeatMs: 1, deadAfterMs: 1, meta: {} }),
  heartbeat: (store) => store.heartbeat(POD, { eligible: true, asleep: false, meta: {} }),
  fleet: (store) => store.fleet(),
  leave: (store) => store.leave(POD),
  orphans: (store) => store.orphans({ limit: 1 }),
  evict: (store) => store.evict([POD]),
  pulse: (store) => store.pulse(),
  open: (store) => store.open(),
};

export function openAndClose(harness: Harness): void {
  it('opens once, however often open is called', async () => {
    const step = await harness.submit();
    await Promise.all([harness.store.open(), harness.store.open()]);
    expect(ids(await harness.store.find([step.stepId]))).toEqual([step.stepId]);
  });

  it('has a name, a rhythm and a limit for late reads', () => {
    const { name, rhythm, staleReadMs } = harness.store;
    expect(name).toMatch(/^[a-z]+$/);
    for (const [field, value] of Object.entries(rhythm)) expect(value, field).toBeGreaterThan(0);
    expect(rhythm.deadAfterMs).toBeGreaterThan(2 * rhythm.heartbeatIntervalMs);
    expect(rhythm.idleIntervalMs).toBeGreaterThanOrEqual(rhythm.claimIntervalMs);
    expect(staleReadMs).toBeGreaterThanOrEqual(0);
  });

  it('closes once, however often close is called', async () => {
    await Promise.all([harness.store.close(), harness.store.close()]);
    await harness.store.close();
  });

  it('rejects every call after close with STORE_CLOSED, which is not transient', async () => {
    await harness.store.close();
    for (const [verb, call] of Object.entries(CALLS)) {
      const error: unknown = await call(harness.store).then(
        () => 'resolved',
        (thrown: unknown) => thrown,
      );
      expect(error, verb).toBeInstanceOf(StoreError);
      expect(error, verb).toMatchObject({ code: 'STORE_CLOSED', transient: false });
    }
    const end = harness.store.watch(() => {});
    end();
  });

  it('waits for open calls: each is applied, or rejects', async () => {
    const other = await harness.another();
    const alone = other === harness.store;
    const steps = newSteps(50);
    const submitted = harness.store.submit(steps).then(
      () => true,
      (error: unknown) => {
        expect(error).toMatchObject({ code: 'STORE_CLOSED' });
        return false;
      },
    );
    await harness.store.close();
    const happened = await submitted;
    await harness.seen();
    if (!alone) expect(await other.find(ids(steps))).toHaveLength(happened ? 50 : 0);
  });

  it('leaves other handles open', async () => {
    const other = await harness.another();
    if (other === harness.store) return;
    const step = await harness.submit();
    await harness.store.close();
    await harness.seen();
    expect(ids(await other.find([step.stepId]))).toEqual([step.stepId]);
    expect(await other.submit(newSteps(2))).toEqual(['created', 'created']);
  });

  it('keeps everything that was written before it was closed', async () => {
    const steps = newSteps(5);
    await harness.store.submit(steps);
    const other = await harness.another();
    if (other === harness.store) return;
    await harness.store.close();
    await harness.seen();
    expect((await other.find(ids(steps))).map((row) => row.payload)).toEqual(steps.map((step) => step.payload));
  });
}
