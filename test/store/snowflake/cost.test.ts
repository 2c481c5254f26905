/** What work costs: statements, counted by the warehouse's meter. */
import { FleetQ } from 'fleet-q';
import { expect, test } from 'vitest';
import { snowflake } from '../../../src/snowflake.js';
import type { Settlement } from '../../../src/store/contract.js';
import { claimRequest, newSteps, settlement } from '../../conformance/harness.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { servedByOthers } from './support/served-by-others.js';
import { joined, useStores } from './support/stores.js';

const STEPS = 5_000;

describeOnTestBed('one pod with instant handlers and bulk submission', () => {
  const { bed, options, place } = useStores();

  test('takes at most ten statements for a thousand steps', { timeout: 180_000 }, async () => {
    const store = snowflake({ connection: options(), ...place() });
    const queue = new FleetQ({ store }).register('work', () => {});
    let done = 0;
    const finished = new Promise<void>((resolve) => {
      queue.on('step:completed', () => ++done === STEPS && resolve());
    });
    await queue.start();
    bed().meter.reset();
    await queue.submitMany(Array.from({ length: STEPS }, () => ({ type: 'work' as const })));
    await finished;
    const { statements, byKind } = bed().meter.report(({ kind }) => kind !== 'session');
    await queue.stop();
    expect((statements * 1_000) / STEPS, JSON.stringify(byKind)).toBeLessThanOrEqual(10);
  });
});

describeOnTestBed('an exchange', { timeout: 90_000 }, () => {
  const stores = useStores();
  const { bed, open } = stores;
  const { patient, logging, serving, silentHead, logged, serve } = servedByOthers(stores);

  /** What was sent since the last time, in order, without what belongs to a session; `free`: it needed no warehouse. */
  const sent = (): string[] => {
    const readings = bed().meter.readings.filter(({ kind }) => kind !== 'session');
    bed().meter.reset();
    return readings.map(({ kind, table, free }) =>
      [kind, table?.split('.').at(-1), free && 'free'].filter(Boolean).join(' '),
    );
  };
  const claim = (free = 5) => claimRequest({ free });
  const completed = (claims: Parameters<typeof settlement>[0][]): Settlement[] =>
    claims.map((each) => settlement(each));

  test('of an idle, awake pod is one SELECT', async () => {
    const store = await open();
    const pod = await joined(store);
    await store.exchange({ pod, settlements: [], claim: claim() });
    sent();
    await store.exchange({ pod, settlements: [], claim: claim() });
    expect(sent()).toEqual(['select']);
  });

  test('of a pod that is alone is two statements, an UPDATE and a SELECT, whatever it hands in', async () => {
    const store = await open();
    const pod = await joined(store);
    await store.submit(newSteps(10));
    sent();
    const { claims } = await store.exchange({ pod, settlements: [], claim: claim() });
    expect(claims).toHaveLength(5);
    expect(sent()).toEqual(['update STEP_TRACKER', 'select']);
    const next = await store.exchange({ pod, settlements: completed([...claims]), claim: claim() });
    expect(next.claims).toHaveLength(5);
    expect(sent()).toEqual(['update STEP_TRACKER', 'select']);
    await store.exchange({ pod, settlements: completed([...next.claims]), claim: claim() });
    expect(sent()).toEqual(['update STEP_TRACKER', 'select']);
  });

  test('of the head of the log is four statements: INSERT, look, UPDATE, look', async () => {
    const store = await logging();
    const pod = await joined(store);
    await store.submit(newSteps(10));
    sent();
    const { claims } = await store.exchange({ pod, settlements: [], claim: claim() });
    expect(claims).toHaveLength(5);
    // Once a minute, the client's own time is measured by a statement that needs no warehouse.
    expect(sent()).toEqual(['metadata free', 'insert EXCHANGE_REQUEST', 'select', 'update STEP_TRACKER', 'select']);
    await store.exchange({ pod, settlements: completed([...claims]), claim: claim() });
    expect(sent()).toEqual(['insert EXCHANGE_REQUEST', 'select', 'update STEP_TRACKER', 'select']);
  });

  test('that another pod serves is one INSERT and looks, and no UPDATE of its own', async () => {
    const { store } = await patient();
    const pod = await joined(store);
    const other = await serving();
    const theirs = await joined(other);
    await store.submit(newSteps(4));
    await silentHead();
    const reply = store.exchange({ pod, settlements: [], claim: claim(2) });
    await logged(pod);
    await serve(other, theirs);
    const { claims } = await reply;
    expect(claims).toHaveLength(2);
    sent();
    // Nothing is due any more: the settlement is served by the next UPDATE of the others.
    await silentHead();
    const settles = store.exchange({ pod, settlements: completed([...claims]) });
    await logged(pod, 2);
    await serve(other, theirs);
    expect((await settles).receipts).toEqual(['settled', 'settled']);
    const all = sent();
    const times = (what: string) => all.filter((one) => one === what).length;
    expect(times('update STEP_TRACKER'), 'the UPDATE of the other pod alone').toBe(1);
    expect(times('insert EXCHANGE_REQUEST'), 'the request of the silent pod, and its own').toBe(2);
  });
});
