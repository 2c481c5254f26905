/**
 * Looks: reads what became of this pod's requests and settlements, and what there is to do.
 *
 * Invariants:
 * - A look asks for the claims of every recent token, not of the newest alone: see combining/recent-tokens.ts.
 * - Every look tells the pacer how busy the fleet is.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import type { ClaimRequest, Fence, PodRef } from '../../contract.js';
import type { Pacer } from '../combining/pacer.js';
import type { RecentTokens } from '../combining/recent-tokens.js';
import type { SessionHandle } from '../session/session-interface.js';
import type { ExpectedSteps } from './expected-steps.js';
import { groupOf, REQUEST_WINDOW_MS } from './request-bind.js';
import { seenIn, type Seen } from './seen.js';
import { boundFence } from './settlements.js';

export interface LooksDependencies {
  /** {@link ExchangeStatements.look} */
  readonly statement: string;
  readonly session: SessionHandle;
  readonly runtime: Pick<Runtime, 'monotonicMs'>;
  readonly pacer: Pacer;
  readonly tokens: RecentTokens;
  readonly expected: ExpectedSteps;
}

/** What a look is about. */
export interface Question {
  readonly pod: PodRef;
  /** What the pod could claim; absent if it claims nothing. */
  readonly claim: ClaimRequest | undefined;
  /** The settlements whose receipts are wanted. */
  readonly settled: readonly Fence[];
  /** The token of the logged request whose place is wanted. */
  readonly token?: string;
}

export class Looks {
  readonly #deps: LooksDependencies;

  constructor(deps: LooksDependencies) {
    this.#deps = deps;
  }

  async look(question: Question): Promise<Seen> {
    const { statement, session, runtime, pacer, tokens, expected } = this.#deps;
    const startedAt = runtime.monotonicMs();
    const token = question.token ?? question.claim?.token;
    if (token !== undefined) tokens.renew(token, startedAt);
    const steps = expected.at(startedAt);
    const seen = seenIn(await session.run(statement, this.#bind(question, steps, startedAt)));
    expected.seen(steps, seen.shown);
    const now = runtime.monotonicMs();
    pacer.measurements.selected(now - startedAt);
    pacer.looked(seen, now);
    return seen;
  }

  #bind({ pod, claim, settled, token }: Question, expected: readonly string[], now: number): string {
    const { pacer, tokens } = this.#deps;
    const types = [...(claim?.types.keys() ?? [])];
    return JSON.stringify({
      incarnation: pod.incarnation,
      tokens: tokens.at(now),
      ...(token === undefined ? {} : { token }),
      group: groupOf(types),
      windowMs: REQUEST_WINDOW_MS,
      types,
      mostCrashes: mostCrashes(claim),
      overdueMs: Math.round(pacer.intervalMs(now)),
      mine: settled.map(boundFence),
      expected,
    });
  }
}

/** How many crashes a step may have that this pod can start now. */
function mostCrashes(claim: ClaimRequest | undefined): number {
  if (claim === undefined || claim.free === 0) return 0;
  return claim.quarantine === 1 ? Number.MAX_SAFE_INTEGER : 1;
}
