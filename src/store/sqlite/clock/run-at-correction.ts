/**
 * The mover: after a correction of the wall clock, moves the timed steps to it, in the background.
 *
 * Invariants: one move at a time; each piece is a transaction of its own, and the event loop turns between two. A move
 * that fails, or that the end of the process cuts short, goes on with the next heartbeat of any pod.
 */
import { asError } from '../../../errors.js';
import type { Log } from '../../../log.js';
import type { Runtime } from '../../../runtime/runtime.js';
import type { CallRunner } from '../connection/call-runner.js';
import type { HeartbeatResult } from '../synchronous-core.js';
import type { Session } from '../connection/session.js';

export interface RunAtCorrectionParts {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly calls: CallRunner;
  /** Called when steps may have come due. */
  readonly onMoved: () => void;
}

export class RunAtCorrection {
  readonly #parts: RunAtCorrectionParts;
  #moving = false;
  #stopped = false;

  constructor(parts: RunAtCorrectionParts) {
    this.#parts = parts;
  }

  /** After a heartbeat, which has committed: nothing that fails here may fail it. */
  follow(session: Session, { correctionMs, moving }: Pick<HeartbeatResult, 'correctionMs' | 'moving'>): void {
    const { log, calls } = this.#parts;
    if (correctionMs !== 0) log.info({ correctionMs }, 'the wall clock was corrected; steps with runAt follow it');
    if (this.#moving || this.#stopped || !moving) return;
    this.#moving = true;
    calls
      .run(() => this.#move(session))
      .catch((error: unknown) =>
        log.warn(
          { error: asError(error).message },
          'steps with runAt could not all follow the wall clock; trying again',
        ),
      )
      .finally(() => (this.#moving = false));
  }

  /** The store is to be closed: no further piece begins. */
  stop(): void {
    this.#stopped = true;
  }

  async #move(session: Session): Promise<void> {
    const { runtime, calls, onMoved } = this.#parts;
    while (!this.#stopped) {
      const { rows, more } = await calls.attempt(() => session.core.moveTimed(session.now()));
      session.wrote(rows, undefined);
      if (!more) break;
      await runtime.yield();
    }
    onMoved();
  }
}
