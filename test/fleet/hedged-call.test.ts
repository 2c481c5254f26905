/** A call that hangs is repeated; with the intervals of both stores. */
import { beforeEach, describe, expect, it } from 'vitest';
import { HedgedCall } from '../../src/fleet/hedged-call.js';
import { fenceAfterMs, resendAfterMs } from '../../src/fleet/heartbeat-limits.js';
import { sleep } from '../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';

const RHYTHMS = {
  sqlite: { heartbeatMs: 2_000, deadAfterMs: 15_000 },
  snowflake: { heartbeatMs: 30_000, deadAfterMs: 180_000 },
};

let runtime: VirtualRuntime;
let ended: AbortController;
/** When each call was sent. */
let sent: number[];
beforeEach(() => {
  runtime = new VirtualRuntime();
  ended = new AbortController();
  sent = [];
});

describe.each(Object.entries(RHYTHMS))('with the intervals of %s', (_, { heartbeatMs, deadAfterMs }) => {
  const resendAfter = resendAfterMs(heartbeatMs, deadAfterMs);
  const timeout = fenceAfterMs(heartbeatMs, deadAfterMs);
  const newHedge = <T>() =>
    new HedgedCall<T>({ runtime, pace: { resendAfterMs: resendAfter, fenceAfterMs: timeout }, signal: ended.signal });

  /** Makes tries of which the nth takes `takes[n]` ms; `Infinity`: it is never answered. */
  const calls = (...takes: number[]) => {
    return async (): Promise<number> => {
      const n = sent.push(runtime.monotonicMs());
      const ms = takes[n - 1] ?? 0;
      if (ms === Infinity) return new Promise<number>(() => {});
      await sleep(runtime, ms);
      return n;
    };
  };

  it('sends one try if it is answered in time', async () => {
    expect(await runtime.until(newHedge<number>().call(calls(resendAfter - 1)))).toBe(1);
    expect(sent).toHaveLength(1);
    expect(runtime.pending).toBe(0);
  });

  it('replaces a lost try after the resend limit, which leaves time for two of them', async () => {
    expect(await runtime.until(newHedge<number>().call(calls(Infinity, 10)))).toBe(2);
    expect(sent).toEqual([0, resendAfter]);
    expect(heartbeatMs + 2 * resendAfter).toBeLessThan(timeout);
  });

  it('still counts a try that is only slow', async () => {
    expect(await runtime.until(newHedge<number>().call(calls(resendAfter + 100, Infinity)))).toBe(1);
    expect(sent).toEqual([0, resendAfter]);
  });

  it('lets a try that outlasts its call answer the next call, which sends no other while that one is young', async () => {
    const hedge = newHedge<number>();
    expect(await runtime.until(hedge.call(calls(resendAfter + 10, resendAfter / 2)))).toBe(1);
    expect(await runtime.until(hedge.call(calls()))).toBe(2);
    expect(sent).toHaveLength(2);
  });

  it('ignores a try that was sent before one that has been answered', async () => {
    const hedge = newHedge<number>();
    const send = calls(resendAfter + 500, 10, 1_000);
    expect(await runtime.until(hedge.call(send))).toBe(2);
    expect(await runtime.until(hedge.call(send))).toBe(3); // though the first answers before
  });

  it('ends at the time-out if nothing is answered, after as many tries as fit into it', async () => {
    const hedge = newHedge<number>();
    const send = calls(...Array.from({ length: 100 }, () => Infinity));
    for (let asked = 1; asked <= 5; asked++) {
      await expect(runtime.until(hedge.call(send))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(sent.length).toBeLessThanOrEqual(3 * asked);
    }
    for (let i = 1; i < sent.length; i++) expect(sent[i]! - sent[i - 1]!).toBeGreaterThanOrEqual(resendAfter);
    expect(runtime.pending).toBe(0);
  });

  it('does not pile up tries on a store that answers one after another and is slow, and its answers stay young', async () => {
    const hedge = newHedge<number>();
    let server: Promise<void> = Promise.resolve();
    let underWay = 0;
    const send = async (): Promise<number> => {
      const sentAt = runtime.monotonicMs();
      expect(++underWay).toBeLessThanOrEqual(3);
      server = server.then(() => sleep(runtime, resendAfter * 1.1));
      await server;
      underWay--;
      return sentAt;
    };
    for (let i = 0; i < 30; i++) {
      const age = runtime.monotonicMs() - (await runtime.until(hedge.call(send)));
      expect(age + heartbeatMs).toBeLessThan(timeout);
      await runtime.advance(heartbeatMs);
    }
  });

  it('ends when a try fails; an older one that hangs does not count', async () => {
    const hedge = newHedge<number>();
    let n = 0;
    const send = async (): Promise<number> => {
      if (++n === 1) return sleep(runtime, resendAfter + 500).then(() => Promise.reject(new Error('old')));
      if (n === 2) throw new Error('young');
      return n;
    };
    await expect(runtime.until(hedge.call(send))).rejects.toThrow('young');
    expect(await runtime.until(hedge.call(send))).toBe(3);
    await runtime.advance(timeout);
  });

  it('fails with the error of the older tries if they fail and the youngest hangs', async () => {
    const held = new Error('held by others');
    const send = async (): Promise<number> => {
      await sleep(runtime, 2.5 * resendAfter);
      throw held;
    };
    await expect(runtime.until(newHedge<number>().call(send))).rejects.toBe(held);
    await runtime.advance(timeout);
  });

  it('does not end when an older try fails: the youngest may still be answered', async () => {
    let n = 0;
    const send = async (): Promise<number> => {
      if (++n > 1) return sleep(runtime, resendAfter - 1).then(() => 2);
      await sleep(runtime, resendAfter + 10);
      throw new Error('old');
    };
    expect(await runtime.until(newHedge<number>().call(send))).toBe(2);
  });

  it('does not wait for a try that failed in the call before', async () => {
    const hedge = newHedge<number>();
    const failed = async (): Promise<number> => Promise.reject(new Error('at once'));
    await expect(runtime.until(hedge.call(failed))).rejects.toThrow('at once');
    expect(await runtime.until(hedge.call(calls(0)))).toBe(1);
    expect(sent).toEqual([0]);
  });

  it('counts the resend limit from when the youngest try was sent, also if that was for the call before', async () => {
    const hedge = newHedge<number>();
    const send = calls(resendAfter + 10, Infinity, 0);
    expect(await runtime.until(hedge.call(send))).toBe(1);
    expect(await runtime.until(hedge.call(send))).toBe(3);
    expect(sent).toEqual([0, resendAfter, 2 * resendAfter]);
  });

  it('ignores the answer of a try that is older than the time-out', async () => {
    const hedge = newHedge<number>();
    const send = calls(timeout + resendAfter / 2, Infinity, Infinity, Infinity, Infinity, Infinity, Infinity);
    await expect(runtime.until(hedge.call(send))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(runtime.until(hedge.call(send))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(runtime.monotonicMs()).toBe(2 * timeout);
  });

  it('ignores the failure of a discarded try', async () => {
    const hedge = newHedge<number>();
    let n = 0;
    const send = async (): Promise<number> => {
      if (++n === 1) return sleep(runtime, resendAfter + 10).then(() => 1);
      if (n === 2) return sleep(runtime, resendAfter).then(() => Promise.reject(new Error('forgotten')));
      return new Promise<number>(() => {});
    };
    expect(await runtime.until(hedge.call(send))).toBe(1);
    hedge.discard();
    await expect(runtime.until(hedge.call(send))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('ignores the answer of a discarded try', async () => {
    const hedge = newHedge<number>();
    const send = calls(resendAfter + 10, resendAfter / 2, 10);
    expect(await runtime.until(hedge.call(send))).toBe(1);
    hedge.discard();
    expect(await runtime.until(hedge.call(send))).toBe(3);
  });

  it('ends at once when it is stopped', async () => {
    const asking = newHedge<number>().call(calls(Infinity));
    ended.abort();
    await expect(asking).rejects.toMatchObject({ code: 'STOPPED' });
    expect(runtime.pending).toBe(0);
  });
});
