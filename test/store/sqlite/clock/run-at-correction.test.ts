/** The correction of `runAt` steps after a change of the wall clock, in the background. */
import { describe, expect, it } from 'vitest';
import { createLog } from '../../../../src/log.js';
import { CallRunner } from '../../../../src/store/sqlite/connection/call-runner.js';
import { RunAtCorrection } from '../../../../src/store/sqlite/clock/run-at-correction.js';
import type { Session } from '../../../../src/store/sqlite/connection/session.js';
import { countingRuntime } from '../../../support/counting-runtime.js';
import { turn } from '../support/files.js';

const MOVING = { correctionMs: 0, moving: true };

/** A correction whose move takes the given number of pieces. @param before is called with the number of each */
function moverOf(pieces: number, before: (piece: number) => void = () => undefined) {
  const runtime = countingRuntime();
  const calls = new CallRunner({ runtime, path: 'steps.db', busyTimeoutMs: 1_000 });
  let [piece, moves] = [0, 0];
  const core = {
    moveRunAtSteps: () => {
      before(++piece);
      return { rows: 1, more: piece < pieces };
    },
  };
  const session = { core, now: () => 1, wrote: () => undefined } as unknown as Session;
  const mover = new RunAtCorrection({ runtime, log: createLog('test'), calls, onMoved: () => moves++ });
  return { runtime, mover, session, pieces: () => piece, moves: () => moves };
}

describe('a correction of run-at steps', () => {
  it('runs in pieces, frees the event loop between them, and then reports its end', async () => {
    const { runtime, mover, session, pieces, moves } = moverOf(4);
    mover.follow(session, MOVING);
    await turn();
    expect([pieces(), runtime.yields, moves()]).toEqual([4, 3, 1]);
  });

  it('runs one at a time: a heartbeat meanwhile starts none, a later one does', async () => {
    const { mover, session, moves } = moverOf(3);
    for (let beats = 0; beats < 3; beats++) mover.follow(session, MOVING);
    await turn();
    expect(moves()).toBe(1);
    mover.follow(session, MOVING);
    await turn();
    expect(moves()).toBe(2);
  });

  it('starts again with the next heartbeat after a failure', async () => {
    const { mover, session, pieces, moves } = moverOf(3, (piece) => {
      if (piece === 2) throw new Error('disk on fire');
    });
    mover.follow(session, MOVING);
    await turn();
    expect([pieces(), moves()]).toEqual([2, 0]);
    mover.follow(session, { correctionMs: 0, moving: false });
    await turn();
    expect(pieces()).toBe(2);
    mover.follow(session, MOVING);
    await turn();
    expect([pieces(), moves()]).toEqual([3, 1]);
  });

  it('starts no further piece once the store is closing', async () => {
    const scene = moverOf(5, (piece) => {
      if (piece === 2) scene.mover.stop();
    });
    scene.mover.follow(scene.session, MOVING);
    await turn();
    expect(scene.pieces()).toBe(2);
    scene.mover.follow(scene.session, MOVING);
    await turn();
    expect(scene.pieces()).toBe(2);
  });
});
