/** When a pool lets its pod sleep: if nothing is held, and nothing is on its way. */
import { describe, expect, test } from 'vitest';
import { gate, POD, running } from './support/rig.js';

const nothing = { work: () => undefined };

describe('a pool', () => {
  test('may sleep once it holds nothing, and claims nothing until it is admitted again', async () => {
    const rig = await running(nothing);
    expect(rig.pool.sleep()).toBe(true);
    const before = rig.store.requests.length;
    rig.store.add('s1', 'work');
    await rig.runtime.advance(60_000);
    expect(rig.store.requests.length).toBe(before);
    expect(rig.pool.overdueMs).toBe(0);
    rig.pool.admit(POD);
    await rig.runtime.advance(1_000);
    expect(rig.store.row('s1').status).toBe('completed');
  });

  test('stays awake while a handler runs', async () => {
    const door = gate();
    const rig = await running({ work: () => door.promise }, {}, ({ store }) => store.add('s1', 'work'));
    expect(rig.pool.sleep()).toBe(false);
    door.open();
    await rig.runtime.advance(1_000);
    expect(rig.pool.sleep()).toBe(true);
  });

  test('stays awake while a claim has not started', async () => {
    const door = gate();
    const rig = await running({ work: () => door.promise }, { maxParallelism: 1 }, ({ store }) => {
      store.add('s1', 'work');
      store.add('s2', 'work');
    });
    expect(rig.pool.sleep()).toBe(false);
    door.open();
    await rig.runtime.advance(5_000);
    expect(rig.store.row('s2').status).toBe('completed');
    expect(rig.pool.sleep()).toBe(true);
  });

  test('stays awake while an exchange is in flight, which may bring claims', async () => {
    const rig = await running(nothing);
    rig.store.latencyMs = 500;
    rig.store.add('s1', 'work');
    rig.pool.wake();
    await rig.runtime.advance(100);
    expect(rig.pool.sleep()).toBe(false);
  });

  test('stays awake while an outcome has no receipt', async () => {
    let away = true;
    const rig = await running(nothing, {}, ({ store }) => {
      store.add('s1', 'work');
      store.before = ({ settlements }) => {
        if (away && settlements.length > 0) throw new Error('away');
      };
    });
    await rig.runtime.advance(10_000);
    expect(rig.pool.load.running).toBe(0);
    expect(rig.pool.sleep()).toBe(false);
    away = false;
    await rig.runtime.advance(60_000);
    expect(rig.store.row('s1').status).toBe('completed');
    expect(rig.pool.sleep()).toBe(true);
  });

  test('stays awake while a claim may have been made whose answer was lost', async () => {
    let lost = true;
    const rig = await running(nothing, {}, ({ store }) => {
      store.add('s1', 'work');
      store.after = () => {
        if (lost) throw new Error('lost');
      };
    });
    await rig.runtime.advance(2_000);
    expect(rig.store.row('s1').status).toBe('claimed');
    for (let i = 0; i < 50; i++) {
      expect(rig.pool.sleep()).toBe(false);
      await rig.runtime.advance(100);
    }
    lost = false;
    await rig.runtime.advance(60_000);
    expect(rig.store.row('s1').status).toBe('completed');
    expect(rig.pool.sleep()).toBe(true);
  });

  test('does not sleep while it is halted, once it has left, and once it is stopped', async () => {
    const rig = await running(nothing);
    rig.pool.halt();
    expect(rig.pool.sleep()).toBe(false);
    rig.pool.admit(POD);
    await rig.runtime.advance(1_000);
    expect(rig.pool.sleep()).toBe(true);
    rig.pool.admit(POD);
    rig.pool.retire();
    expect(rig.pool.sleep()).toBe(false);
    await rig.stop();
    expect(rig.pool.sleep()).toBe(false);
  });
});
