/**
 * How the modelled warehouse behaves: its size, its times, and what it may do wrong.
 *
 * The times are those of the model of combining: a public measurement of an X-Small warehouse, and what follows from it.
 */
import type { Hazards, SmallWarehouse } from '../../plan/plan.js';

/** All times in ms. */
export interface Figures {
  /** How many statements run at a time. */
  readonly slots: number;
  /** How many statements may wait for a table; the next is refused with 000625. */
  readonly waiters: number;
  /** In which order those that wait get the table. */
  readonly lockOrder: 'fifo' | 'random';
  /** Whether a statement that waits for a table holds a slot meanwhile. Snowflake does not document it. */
  readonly slotWhileLocked: boolean;
  /** The client's own part of every request, there and back. */
  readonly clientMs: number;
  readonly loginMs: number;
  readonly selectMs: number;
  readonly insertMs: number;
  /** Of an UPDATE and a DELETE, besides `perRowMs`. */
  readonly updateMs: number;
  /** For each row that an UPDATE or a DELETE changes. */
  readonly perRowMs: number;
  /** What is answered without a warehouse. */
  readonly metadataMs: number;
  /** Every time is drawn from its value ± this share. */
  readonly spread: number;
  /** How long an INSERT holds its table against other INSERTs. 0: not at all. */
  readonly insertLockMs: number;
  readonly insertWaiters: number;
  readonly resumeMs: number;
  /** An idle warehouse suspends after this time; 0: never. */
  readonly suspendAfterMs: number;
  readonly creditsPerHour: number;
  /** What the driver waits after a request that failed, before it would repeat it. */
  readonly driverPauseMs: number;
}

/** The figures of the model of combining. */
export const MEASURED: Figures = Object.freeze({
  slots: 8,
  waiters: 20,
  lockOrder: 'fifo',
  slotWhileLocked: true,
  clientMs: 300,
  loginMs: 800,
  selectMs: 60,
  insertMs: 350,
  updateMs: 300,
  perRowMs: 0.02,
  metadataMs: 0,
  spread: 0,
  insertLockMs: 0,
  insertWaiters: 20,
  resumeMs: 2_000,
  suspendAfterMs: 0,
  creditsPerHour: 1,
  driverPauseMs: 1_000,
});

/** A warehouse that is quick enough for many seeds, and slow enough for statements to overlap. */
export const FAST: Figures = Object.freeze({
  ...MEASURED,
  clientMs: 20,
  loginMs: 40,
  selectMs: 10,
  insertMs: 30,
  updateMs: 40,
  spread: 0.5,
  resumeMs: 400,
  driverPauseMs: 100,
});

/** What the change token may do wrong. */
export type TokenFault = 'none' | 'late or early' | 'frozen';

/** What goes wrong, as probabilities per request and bounds in ms. */
export interface Traffic {
  readonly figures: Figures;
  readonly lostReply: number;
  readonly failure: number;
  readonly lateApplication: number;
  readonly duplicate: number;
  /** How late a statement may read what other sessions have committed. */
  readonly lateReadMs: number;
  /** Whether a session may read an older state after a newer one. */
  readonly readsGoBack: boolean;
  /** `a`: an UPDATE that has waited reads when it gets the table; `b`: its source is as old as its start. */
  readonly reading: 'a' | 'b';
  readonly token: TokenFault;
  readonly tokenMs: number;
  /** An UPDATE of an exchange is refused for its values. */
  readonly badRequest: number;
  /** The session ends with a statement about steps. */
  readonly sessionEnds: number;
}

export const CALM: Omit<Traffic, 'figures'> = Object.freeze({
  lostReply: 0,
  failure: 0,
  lateApplication: 0,
  duplicate: 0,
  lateReadMs: 0,
  readsGoBack: false,
  reading: 'a',
  token: 'none',
  tokenMs: 0,
  badRequest: 0,
  sessionEnds: 0,
});

/** The traffic of a plan. @param figures before the plan's latency and suspension */
export function trafficOf(hazards: Hazards, figures: Figures = FAST): Traffic {
  const { lostReply, failure, lateApplication, duplicate, lateReadMs, oldSources, tokenLateMs, suspendAfterMs } =
    hazards;
  const { small, badRequest = 0, sessionEnds = 0 } = hazards;
  return {
    figures: {
      ...(small === undefined ? figures : smaller(figures, small)),
      clientMs: figures.clientMs + hazards.latencyMs / 2,
      suspendAfterMs,
    },
    lostReply,
    failure,
    lateApplication,
    duplicate,
    lateReadMs,
    readsGoBack: false,
    reading: oldSources ? 'b' : 'a',
    token: tokenLateMs > 0 ? 'late or early' : 'none',
    tokenMs: tokenLateMs,
    badRequest,
    sessionEnds,
  };
}

function smaller(figures: Figures, { slots, waiters, insertLockMs, slowerMs }: SmallWarehouse): Figures {
  const { selectMs, insertMs, updateMs } = figures;
  return {
    ...{ ...figures, slots, waiters, insertLockMs, insertWaiters: waiters },
    ...{ selectMs: selectMs + slowerMs, insertMs: insertMs + slowerMs, updateMs: updateMs + slowerMs },
  };
}
