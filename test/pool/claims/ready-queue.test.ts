import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReadyQueue } from '../../../src/pool/claims/ready-queue.js';
import { TypeHandler } from '../../../src/pool/handlers/type-handler.js';
import { HeldClaim } from '../../../src/pool/claims/held-claim.js';
import { POD } from '../support/rig.js';

const open = new TypeHandler({ type: 'open', schema: undefined, run: () => undefined });
const limited = (concurrency: number) =>
  new TypeHandler({ type: 'limited', schema: undefined, concurrency, run: () => undefined });

function held(stepId: string, handler = open, priority = 0, runAt = 0, claimedAt = 0): HeldClaim {
  const claim = {
    ...{ stepId, type: handler.definition.type, payload: '{}', priority, runAt, claimToken: 't', version: 1 },
    ...{ retryCount: 0, maxRetries: 3, crashes: 0, createdAt: 0, dueForMs: 0 },
  };
  return new HeldClaim(claim, POD, handler, claimedAt);
}

const drain = (ready: ReadyQueue) => {
  const ids: string[] = [];
  for (let next = ready.next(); next !== undefined; next = ready.next()) ids.push(next.claim.stepId);
  return ids;
};

test('has the order of the store, however claims come and go', () => {
  const step = fc.record({ priority: fc.integer({ min: -2, max: 2 }), runAt: fc.integer({ min: 0, max: 3 }) });
  const act = fc.oneof({ weight: 3, arbitrary: step }, { weight: 1, arbitrary: fc.constant('next' as const) });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 300 }), fc.boolean(), (acts, lanes) => {
      const ready = new ReadyQueue();
      const own = limited(1000);
      let model: HeldClaim[] = [];
      acts.forEach((each, i) => {
        if (each === 'next') {
          expect(ready.next()).toBe(model.shift());
        } else {
          const handler = lanes && i % 3 === 0 ? own : open;
          const added = held(`s${String((i * 7919) % 1000)}`, handler, each.priority, each.runAt);
          ready.add(added);
          model = [...model, added].sort(
            ({ claim: a }, { claim: b }) => b.priority - a.priority || a.runAt - b.runAt, // stable: equals as they came
          );
        }
        expect(ready.size).toBe(model.length);
      });
      expect(drain(ready)).toEqual(model.map(({ claim }) => claim.stepId));
    }),
  );
});

test('keeps its order and its size while it frees what has started', () => {
  const ready = new ReadyQueue();
  const ids = Array.from({ length: 500 }, (_, i) => `s${String(i)}`);
  const started: string[] = [];
  for (const [i, id] of ids.entries()) {
    ready.add(held(id));
    if (i % 3 !== 0) started.push(ready.next()!.claim.stepId);
    expect(ready.size).toBe(i + 1 - started.length);
  }
  expect([...started, ...drain(ready)]).toEqual(ids);
});

test('a type at its limit does not hold up the others', async () => {
  const ready = new ReadyQueue();
  const one = limited(1);
  let end: () => void = () => undefined;
  const running = one.limit!(() => new Promise<void>((resolve) => (end = resolve)));
  ready.add(held('first', one, 9));
  ready.add(held('second', open, 1));
  expect(ready.startable).toBe(1);
  expect(drain(ready)).toEqual(['second']);
  await Promise.resolve();
  end();
  await running;
  expect(ready.startable).toBe(1);
  expect(drain(ready)).toEqual(['first']);
});

test('takes out what is unwanted, and counts by type', () => {
  const ready = new ReadyQueue();
  const one = limited(5);
  for (let i = 0; i < 10; i++) ready.add(held(`s${i}`, i % 2 === 0 ? one : open, 0, 0, i));
  expect(one.unstarted).toBe(5);
  ready.next();
  expect(ready.take(({ claimedAt }) => claimedAt < 4)).toHaveLength(3);
  expect(ready.size).toBe(6);
  expect(one.unstarted).toBe(3);
  expect(ready.all()).toHaveLength(6);
});

test('gives back any number without holding up the event loop', () => {
  const ready = new ReadyQueue();
  for (let i = 0; i < 50_000; i++) ready.add(held(`s${String(i).padStart(6, '0')}`));
  const startedAt = performance.now();
  let odd = false;
  expect(ready.take(() => (odd = !odd))).toHaveLength(25_000);
  expect(performance.now() - startedAt).toBeLessThan(200);
  expect(ready.size).toBe(25_000);
  expect(ready.next()?.claim.stepId).toBe('s000001');
});
