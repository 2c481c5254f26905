/**
 * What goes wrong with one request, drawn by the seed.
 *
 * Invariant: only what changes something can land late, or twice; for a SELECT that would be the same as a lost reply.
 */
import type { KnownStatement } from '../statements/known-statement.js';
import type { Traffic } from './settings.js';

export type RequestFault =
  /** It does not reach the server. The store sends it again. */
  | 'unsent'
  /** The server fails, and nothing is applied. */
  | 'refused'
  /** The server cannot hold a value of a request that it serves. Nothing is applied. */
  | 'bad values'
  /** The session has ended: 390111, 390114, or 390104. Nothing is applied. */
  | 'session gone'
  | 'token expired'
  | 'token invalid'
  /** It is applied, and its reply is lost. The store sends it again, and gets the answer of the first run. */
  | 'reply lost'
  /** The same, but the session has ended by then. */
  | 'reply and session lost'
  /** It is applied, and nobody answers for long. */
  | 'never answered'
  /** The session ends, or nobody answers; the statement is applied later. */
  | 'late, session gone'
  | 'late, never answered'
  /** It is applied, and once more later. */
  | 'twice';

/** The UPDATE that serves the requests of other pods. */
const SERVES_OTHERS = 'exchange.exchange';
/** What callers send beside the exchanges. */
const OF_CALLERS = 'steps.';

/** Each with its share of the faults of its kind, in percent. */
const LOST: readonly (readonly [RequestFault, number])[] = [
  ['reply lost', 50],
  ['reply and session lost', 30],
  ['never answered', 20],
];
const FAILED: readonly (readonly [RequestFault, number])[] = [
  ['unsent', 40],
  ['refused', 30],
  ['session gone', 15],
  ['token expired', 5],
  ['token invalid', 10],
];
const LATE: readonly (readonly [RequestFault, number])[] = [
  ['late, session gone', 50],
  ['late, never answered', 50],
];

export function drawFault(
  { name, kind }: Pick<KnownStatement, 'name' | 'kind'>,
  traffic: Traffic,
  random: () => number,
): RequestFault | undefined {
  const { lostReply, failure, lateApplication, duplicate, badRequest, sessionEnds } = traffic;
  if (name === SERVES_OTHERS && badRequest > 0 && random() < badRequest) return 'bad values';
  if (sessionEnds > 0 && name.startsWith(OF_CALLERS) && random() < sessionEnds) return 'session gone';
  if (lostReply + failure + lateApplication + duplicate === 0) return undefined;
  const changes = kind === 'insert' || kind === 'update' || kind === 'delete';
  let chance = random();
  if ((chance -= lostReply) < 0) return pick(LOST, random);
  if ((chance -= failure) < 0) return pick(FAILED, random);
  if (!changes) return undefined;
  if ((chance -= lateApplication) < 0) return pick(LATE, random);
  return chance - duplicate < 0 ? 'twice' : undefined;
}

function pick(from: readonly (readonly [RequestFault, number])[], random: () => number): RequestFault | undefined {
  let left = 100 * random();
  return from.find(([, share]) => (left -= share) < 0)?.[0];
}
