import { describe, expect, it } from 'vitest';
import { OUTSIDE, TimerHeap, type HeapTimer } from '../../src/runtime/timer-heap.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';

const dice = new VirtualRuntime({ seed: 5 });
const below = (limit: number) => Math.floor(dice.random() * limit);

function drained(heap: TimerHeap<HeapTimer>): HeapTimer[] {
  const timers: HeapTimer[] = [];
  for (let { first } = heap; first !== undefined; { first } = heap) {
    timers.push(first);
    heap.remove(first);
  }
  return timers;
}

const inOrder = (timers: Iterable<HeapTimer>) => [...timers].toSorted((a, b) => a.at - b.at || a.order - b.order);

describe('the heap', () => {
  it('returns timers by their times, then by their order, whatever was added and removed', () => {
    for (let round = 0; round < 300; round++) {
      const heap = new TimerHeap<HeapTimer>();
      const model = new Set<HeapTimer>();
      for (let order = 0; order < 60; order++) {
        const timer = { at: below(10), order, slot: OUTSIDE };
        heap.add(timer);
        model.add(timer);
        const removed = below(3) === 0 ? [...model][below(model.size)] : undefined;
        if (removed !== undefined) {
          heap.remove(removed);
          model.delete(removed);
        }
        expect(heap.first).toBe(inOrder(model)[0]);
      }
      expect(drained(heap)).toEqual(inOrder(model));
    }
  });

  it('ignores the removal of a timer that is outside', () => {
    const heap = new TimerHeap<HeapTimer>();
    const timers = [3, 1, 2].map((at, order) => ({ at, order, slot: OUTSIDE }));
    for (const timer of timers) heap.add(timer);
    heap.remove(timers[1]!);
    heap.remove(timers[1]!);
    expect(drained(heap)).toEqual([timers[2], timers[0]]);
  });

  it('removes many at once', () => {
    const heap = new TimerHeap<HeapTimer>();
    const timers = Array.from({ length: 100 }, (_, order) => ({ at: below(20), order, slot: OUTSIDE }));
    for (const timer of timers) heap.add(timer);
    heap.removeAll(({ order }) => order % 3 === 0);
    expect(timers.filter(({ slot }) => slot === OUTSIDE)).toHaveLength(34);
    expect(drained(heap)).toEqual(inOrder(timers.filter(({ order }) => order % 3 !== 0)));
  });
});
