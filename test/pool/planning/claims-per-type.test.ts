/** The map of types that a request for claims carries. */
import { expect, test } from 'vitest';
import { Handlers } from '../../../src/pool/handlers/handlers.js';
import { ClaimsPerType } from '../../../src/pool/planning/claims-per-type.js';
import { StepRegistry } from '../../../src/step/step-registry.js';

function limitsOf(types: Record<string, number | undefined>) {
  const registry = new StepRegistry();
  for (const [type, concurrency] of Object.entries(types)) {
    registry.add({ type, run: () => 1, ...(concurrency !== undefined && { concurrency }) });
  }
  const handlers = new Handlers(registry, undefined);
  handlers.load();
  return { handlers, limits: new ClaimsPerType(handlers) };
}

test('returns the same map until a limit differs, and never changes a returned map', () => {
  const { handlers, limits } = limitsOf({ open: undefined, one: 1, three: 3 });
  const first = limits.at(0)!;
  expect([...first].toSorted()).toEqual([
    ['one', 1],
    ['open', Infinity],
    ['three', 3],
  ]);
  expect(limits.at(0)).toBe(first);
  handlers.get('three')!.claimQueued();
  const second = limits.at(0)!;
  expect(second).not.toBe(first);
  expect([first.get('three'), second.get('three')]).toEqual([3, 2]);
  expect(limits.at(0)).toBe(second);
});

test('leaves out a type while no claim of it is useful', () => {
  const { handlers, limits } = limitsOf({ open: undefined, one: 1 });
  expect(limits.at(0)!.get('one')).toBe(1);
  handlers.get('one')!.claimQueued();
  expect([...limits.at(0)!.keys()]).toEqual(['open']);
  handlers.get('one')!.claimDequeued();
  expect([...limits.at(0)!.keys()].toSorted()).toEqual(['one', 'open']);
});

test('returns no map if no claim is useful at all', () => {
  const { handlers, limits } = limitsOf({ one: 1 });
  handlers.get('one')!.claimQueued();
  expect(limits.at(0)).toBeUndefined();
});
