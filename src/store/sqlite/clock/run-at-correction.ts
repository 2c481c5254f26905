/**
 * After a correction of the wall clock, moves the steps with a `runAt` to it, in the background.
 *
 * Invariants:
 * - One move runs at a time. Each piece is a transaction of its own, and the event loop turns between two pieces.
 * - A move that fails, or that a crash cuts short, is continued with the next heartbeat of any pod.
 */
import { loggedError } from '../../../log.js';
import type { Log } from '../../../log.js';
import type { Runtime } from '../../../runtime/runtime.js';
import type { CallRunner } from '../connection/call-runner.js';
import type { HeartbeatResult } from '../synchronous-core.js';
import type { Session } from '../connection/session.js';

export interface RunAtCorrectionDependencies {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly calls: CallRunner;
  /** Called when steps may have come due. */
  readonly onMoved: () => void;
}

export class RunAtCorrection {
  readonly #deps: RunAtCorrectionDependencies;
  #moving = false;
  #stopped = false;

  constructor(deps: RunAtCorrectionDependencies) {
    this.#deps = deps;
  }

  /** Call it after a heartbeat has committed: a failure here must not fail the heartbeat. */
  follow(session: Session, { correctionMs, moving }: Pick<HeartbeatResult, 'correctionMs' | 'moving'>): void {
    const { log, calls } = this.#deps;
    if (correctionMs !== 0) log.info({ correctionMs }, 'wall clock was corrected; moving steps with a runAt to it');
    if (this.#moving || this.#stopped || !moving) return;
    this.#moving = true;
    calls
      .run(() => this.#move(session))
      .catch((error: unknown) =>
        log.warn(
          { error: loggedError(error) },
          'steps with a runAt could not be moved to the corrected wall clock; the next heartbeat tries again',
        ),
      )
      .finally(() => (this.#moving = false));
  }

  /** The store closes: no further piece begins. */
  stop(): void {
    this.#stopped = true;
  }

  async #move(session: Session): Promise<void> {
    const { runtime, calls, onMoved } = this.#deps;
    while (!this.#stopped) {
      const { rows, more } = await calls.attempt(() => session.core.moveRunAtSteps(session.now()));
      session.wrote(rows, undefined);
      if (!more) break;
      await runtime.yield();
    }
    onMoved();
  }
}
