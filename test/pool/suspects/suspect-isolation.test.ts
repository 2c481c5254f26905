/** How long a pod keeps itself empty for a suspect, and how long it then works as usual. */
import { beforeEach, describe, expect, test } from 'vitest';
import { HeldClaim } from '../../../src/pool/claims/held-claim.js';
import { TypeHandler } from '../../../src/pool/handlers/type-handler.js';
import { SuspectIsolation } from '../../../src/pool/suspects/suspect-isolation.js';
import { PoolsOfProcess } from '../../../src/pool/suspects/pools-of-process.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { claimOf, POD } from '../support/rig.js';

const handler = new TypeHandler({ type: 'it', schema: undefined, run: () => 1 });
const SUSPECT = new HeldClaim(claimOf('s1', 'it', { crashes: 2 }), POD, handler, 0);

let runtime: VirtualRuntime;
let isolation: SuspectIsolation;
/** Another pool of the process, and its isolation. */
let other: PoolsOfProcess;
let otherIsolation: SuspectIsolation;
/** Whether that one holds nothing, and has strays. */
let quiet: boolean;
let strays: boolean;
/** Whether the first one has asked for claims under a token that says "alone". */
let asks: boolean;
beforeEach(() => {
  runtime = new VirtualRuntime();
  [quiet, strays, asks] = [true, false, false];
  isolation = isolationOf(
    new PoolsOfProcess(runtime, { quiet: () => true, hasStrays: () => false, claimsAlone: () => asks }),
  );
  other = new PoolsOfProcess(runtime, { quiet: () => quiet, hasStrays: () => strays, claimsAlone: () => false });
  otherIsolation = new SuspectIsolation(() => 0, other);
});

function isolationOf(processPools: PoolsOfProcess): SuspectIsolation {
  processPools.enter();
  return new SuspectIsolation(() => 0.5, processPools);
}

/** When the next suspect may be looked for, in half seconds from `now` on. */
function restsUntil(now: number): number {
  let at = now;
  while (!isolation.mayTakeSuspect(at)) at += 500;
  return at;
}

describe('a try', () => {
  test('ends after 5 s; the pod then works on for one and a half times as long', () => {
    expect(isolation.suspectFound(1_000)).toBe(true);
    expect(isolation.expiresInMs(1_000)).toBe(5_000);
    isolation.expire(5_999);
    expect(isolation.emptying).toBe(true);
    isolation.expire(6_000);
    expect(isolation.emptying).toBe(false);
    expect(restsUntil(6_000)).toBe(6_000 + 7_500);
  });

  test('is not prolonged by the suspect that is found again', () => {
    isolation.suspectFound(1_000);
    expect(isolation.suspectFound(4_000)).toBe(false);
    expect(isolation.expiresInMs(4_000)).toBe(2_000);
  });

  test('lasts twice as long as the one before, up to four hours', () => {
    const lasts: number[] = [];
    for (let n = 0, now = 0; n < 16; n++) {
      isolation.suspectFound(now);
      lasts.push(isolation.expiresInMs(now));
      isolation.expire((now += isolation.expiresInMs(now)));
      now = restsUntil(now);
    }
    expect(lasts.slice(0, 4)).toEqual([5_000, 10_000, 20_000, 40_000]);
    expect(lasts.slice(-2)).toEqual([4 * 3_600_000, 4 * 3_600_000]);
  });

  test('is short again after a suspect has run', () => {
    isolation.suspectFound(0);
    isolation.expire(5_000);
    isolation.suspectFound(20_000);
    isolation.suspectTaken(SUSPECT, 21_000);
    isolation.end(22_000);
    isolation.suspectFound(40_000);
    expect(isolation.expiresInMs(40_000)).toBe(5_000);
    isolation.expire(45_000); // as any other, though a suspect has run since
    expect(isolation.emptying).toBe(false);
  });
});

describe('a suspect that runs', () => {
  test('has the pod for as long as it takes', () => {
    isolation.suspectTaken(SUSPECT, 0);
    expect(isolation.expiresInMs(3_600_000)).toBe(Infinity);
    isolation.expire(3_600_000);
    expect(isolation.emptying).toBe(true);
  });

  test('makes the rest longer by the time of its wait', () => {
    isolation.suspectFound(0);
    isolation.suspectTaken(SUSPECT, 4_000);
    isolation.end(6_000);
    expect(restsUntil(6_000)).toBe(6_000 + 9_000);
  });

  test('leaves no rest if there is no other work', () => {
    isolation.suspectTaken(SUSPECT, 0);
    isolation.end(10_000);
    expect(isolation.endRest(11_000)).toBe(true);
    expect(isolation.mayTakeSuspect(11_000)).toBe(true);
    expect(isolation.endRest(11_000)).toBe(false); // it rests no more
  });
});

describe('in a process with another pool', () => {
  beforeEach(() => other.enter());

  test('a try blocks the other pool until its time is over, even if nothing ends it', () => {
    isolation.suspectFound(0);
    expect([otherIsolation.blocked(0), otherIsolation.blocked(4_999)]).toEqual([true, true]);
    expect(otherIsolation.blocked(5_000)).toBe(false);
  });

  test('a try that expires unblocks the other pool', () => {
    isolation.suspectFound(0);
    isolation.expire(5_000);
    expect([otherIsolation.blocked(5_000), isolation.blocked(5_000)]).toEqual([false, false]);
  });

  test('a running suspect blocks the other pool for as long as it runs', () => {
    isolation.suspectTaken(SUSPECT, 0);
    expect(otherIsolation.blocked(3_600_000)).toBe(true);
    isolation.releaseProcess(3_600_000); // its pod claims nothing for now, but the suspect runs on
    expect(otherIsolation.blocked(3_600_000)).toBe(true);
    isolation.end(3_600_001);
    expect(otherIsolation.blocked(3_600_001)).toBe(false);
  });

  test('a request that says "alone" blocks the other pool as soon as it is made, and not its own pool', () => {
    asks = true;
    expect([isolation.blocked(0), otherIsolation.blocked(0)]).toEqual([false, true]);
    asks = false;
    expect(otherIsolation.blocked(0)).toBe(false);
  });

  test('a pool that waits releases the process if it may not claim', () => {
    isolation.suspectFound(0);
    isolation.releaseProcess(1_000);
    expect(otherIsolation.blocked(1_000)).toBe(false);
  });

  test('no try begins during the turn of the other pool, and no other pool ends that turn', () => {
    otherIsolation.suspectFound(0);
    expect(isolation.suspectFound(1_000)).toBe(false);
    expect(isolation.emptying).toBe(false);
    isolation.end(1_000);
    isolation.releaseProcess(1_000);
    expect(isolation.blocked(1_000)).toBe(true);
    expect(isolation.mayTakeSuspect(1_000)).toBe(false);
  });

  test('after a turn the process works as usual for as long as the whole turn lasted', () => {
    quiet = false;
    isolation.suspectFound(0);
    isolation.suspectTaken(SUSPECT, 4_000);
    isolation.end(6_000);
    expect([otherIsolation.mayTakeSuspect(11_999), otherIsolation.mayTakeSuspect(12_000)]).toEqual([false, true]);
  });

  test('if nothing is held, the next turn may begin one second after the last', () => {
    isolation.suspectTaken(SUSPECT, 0);
    isolation.end(60_000);
    expect([otherIsolation.mayTakeSuspect(60_999), otherIsolation.mayTakeSuspect(61_000)]).toEqual([false, true]);
    quiet = false;
    expect(isolation.mayTakeSuspect(61_000)).toBe(false);
    quiet = true;
    isolation.endRest(61_000);
    expect(isolation.mayTakeSuspect(61_000)).toBe(true);
  });

  test('a rest does not end early while the process has its time to work', () => {
    quiet = false;
    isolation.suspectTaken(SUSPECT, 0);
    isolation.end(10_000);
    expect(isolation.endRest(15_000)).toBe(false);
    expect(isolation.endRest(19_999)).toBe(false);
    expect(isolation.endRest(20_000)).toBe(true); // its own rest would have been longer
  });

  test('a pool does not take the turn while another pool has strays', () => {
    strays = true;
    expect(isolation.mayTakeSuspect(0)).toBe(false);
    expect(isolation.suspectFound(0)).toBe(false);
    expect(otherIsolation.mayTakeSuspect(0)).toBe(true); // its own strays do not prevent its turn
  });

  test('a pool that has the turn may claim alone once the others are quiet', () => {
    quiet = false;
    expect([isolation.mayClaimAlone, isolation.processIsQuiet]).toEqual([false, false]);
    isolation.suspectFound(0);
    expect(isolation.mayClaimAlone).toBe(false);
    quiet = true;
    expect([isolation.mayClaimAlone, isolation.processIsQuiet]).toEqual([true, true]);
    expect(otherIsolation.mayClaimAlone).toBe(false);
  });

  test('a pool that waits for others checks again soon; one that waits for its own handlers waits for the end of its try', () => {
    expect(isolation.checkInMs(0)).toBe(Infinity);
    isolation.suspectFound(0);
    expect([isolation.checkInMs(0), otherIsolation.checkInMs(0)]).toEqual([100, 100]);
    expect(isolation.checkInMs(4_950)).toBe(50);
    isolation.suspectTaken(SUSPECT, 4_950);
    expect(isolation.checkInMs(4_950)).toBe(Infinity);
    other.leave(4_950);
    isolation.end(5_000);
    isolation.suspectFound(20_000);
    expect(isolation.checkInMs(20_000)).toBe(5_000);
  });
});
