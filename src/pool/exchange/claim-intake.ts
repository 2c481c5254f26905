/**
 * Decides about each claim that an exchange brought: it is kept, or given back.
 *
 * Invariants:
 * - A suspect is kept only if its token says that the pod was empty and nothing has started since. Then all other claims are
 *   given back. Otherwise the suspect is given back, and the pod empties itself.
 * - A claim that ranks after a suspect which is given back is given back too: it must not start before the suspect.
 * - While a suspect has this pod, or another pool of the process has the turn, every claim is given back.
 */
import { EVENT_LINES, logEvent, type Events } from '../../events.js';
import type { Log } from '../../log.js';
import { isAlone, isSuspect } from '../../step/crash-suspect.js';
import type { FreshClaim, PodRef } from '../../store/contract.js';
import { briefOf, eventOf, fieldsOf, HeldClaim } from '../claims/held-claim.js';
import type { HeldClaims } from '../claims/held-claims.js';
import type { Handlers } from '../handlers/handlers.js';
import type { SuspectIsolation } from '../suspects/suspect-isolation.js';
import type { ReadonlyPoolState } from '../pool-state.js';

/** The delay of a claim that is given back because its type is not handled here. */
const UNHANDLED_MS = 5_000;

export interface ClaimIntakeDependencies {
  readonly events: Events;
  readonly log: Log;
  readonly state: ReadonlyPoolState;
  readonly handlers: Handlers;
  readonly claims: HeldClaims;
  readonly isolation: SuspectIsolation;
}

export class ClaimIntake {
  readonly #deps: ClaimIntakeDependencies;

  constructor(deps: ClaimIntakeDependencies) {
    this.#deps = deps;
  }

  takeIn(claims: readonly FreshClaim[], pod: PodRef, now: number): void {
    const { events, log, handlers, isolation, state } = this.#deps;
    const { verbose } = log;
    const suspect = this.#suspectAmong(claims);
    const takesSuspect = suspect !== undefined && isAlone(suspect) && this.#nothingElseRuns;
    if (suspect !== undefined && !takesSuspect) this.#makeRoom(suspect, now);
    let keeps = !isolation.isolates && !isolation.blocked(now);
    for (const claim of claims) {
      const handler = handlers.get(claim.type) ?? handlers.none;
      const held = new HeldClaim(claim, pod, handler, now);
      if (verbose) logEvent(log, EVENT_LINES.stepClaimed, fieldsOf(held));
      if (events.has('step:claimed'))
        events.emitLazily(
          'step:claimed',
          () => eventOf(held),
          () => briefOf(held),
        );
      if (claim === suspect && !takesSuspect) keeps = false;
      if (!state.permissions.mayKeep) this.#deps.claims.giveBack(held, 'stopping');
      else if (handler === handlers.none) this.#deps.claims.giveBack(held, 'unstarted', UNHANDLED_MS);
      else if (!keeps || (takesSuspect && claim !== suspect)) this.#deps.claims.giveBack(held, 'unstarted');
      else {
        this.#deps.claims.ready.add(held);
        if (takesSuspect) isolation.suspectTaken(held, now);
      }
    }
  }

  get #nothingElseRuns(): boolean {
    const { claims, isolation } = this.#deps;
    return claims.running.busy === 0 && claims.ready.size === 0 && isolation.processIsQuiet;
  }

  #suspectAmong(claims: readonly FreshClaim[]): FreshClaim | undefined {
    const { state, handlers } = this.#deps;
    if (!state.permissions.mayKeep) return undefined;
    for (const claim of claims) if (isSuspect(claim) && handlers.get(claim.type) !== undefined) return claim;
    return undefined;
  }

  /** A suspect came among other claims: it waits in the store until a pod is empty. */
  #makeRoom({ stepId, type, crashes }: FreshClaim, now: number): void {
    const { isolation, log, claims } = this.#deps;
    if (isolation.suspectFound(now))
      log.info(
        { stepId, type, crashes },
        'step that crashed pods must run alone; claiming nothing until this pod is empty',
      );
    claims.giveBackUnstarted('unstarted');
  }
}
