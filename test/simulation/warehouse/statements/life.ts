/** The state of each incarnation, from its signs of life: rows of the pods' log, and requests of the exchange. */
import type { PodLogRow, View } from '../tables.js';

export interface Life {
  readonly incarnation: string;
  podId: string;
  birthTs: number | null;
  /** The newest instant of its own signs. */
  heardTs: number | null;
  beat: number | null;
  newestEvent: string | null;
  wasEvicted: boolean;
  hasLeft: boolean;
  heartbeatMs: number | null;
  deadAfterMs: number | null;
  firstMeta: string | null;
  eligible: number | null;
  meta: string | null;
}

/** The sequence numbers of the signs that a value was taken from: the highest counts. */
interface Newest {
  readonly life: Life;
  heartbeatMs: number;
  deadAfterMs: number;
  firstMeta: number;
  eligible: number;
  meta: number;
}

/** By incarnation. */
export function lives(view: View): ReadonlyMap<string, Life> {
  const found = new Map<string, Newest>();
  for (const row of view.podLog()) read(row, known(found, row.pod_id, row.incarnation));
  for (const { pod_id, incarnation, seq, asked_ts } of view.requests()) {
    hear(known(found, pod_id, incarnation).life, 'request', seq, asked_ts);
  }
  return new Map([...found].map(([incarnation, { life }]) => [incarnation, life]));
}

/** Neither evicted nor left, and registered. */
export const isLiving = ({ birthTs, wasEvicted, hasLeft }: Life): boolean =>
  birthTs !== null && !wasEvicted && !hasLeft;

function known(found: Map<string, Newest>, podId: string, incarnation: string): Newest {
  let one = found.get(incarnation);
  if (one === undefined) found.set(incarnation, (one = unheard(podId, incarnation)));
  if (podId < one.life.podId) one.life.podId = podId;
  return one;
}

const NEVER = -Infinity;

function unheard(podId: string, incarnation: string): Newest {
  const life = {
    incarnation,
    podId,
    birthTs: null,
    heardTs: null,
    beat: null,
    newestEvent: null,
    wasEvicted: false,
    hasLeft: false,
    heartbeatMs: null,
    deadAfterMs: null,
    firstMeta: null,
    eligible: null,
    meta: null,
  };
  return { life, heartbeatMs: NEVER, deadAfterMs: NEVER, firstMeta: NEVER, eligible: NEVER, meta: NEVER };
}

function hear(life: Life, event: string, seq: number, at: number): void {
  life.heardTs = Math.max(life.heardTs ?? NEVER, at);
  if (life.beat !== null && seq <= life.beat) return;
  life.beat = seq;
  life.newestEvent = event;
}

function read({ event, seq, at_ts, ...says }: PodLogRow, newest: Newest): void {
  const { life } = newest;
  if (event === 'registered') life.birthTs = Math.min(life.birthTs ?? Infinity, at_ts);
  else if (event === 'evicted') life.wasEvicted = true;
  else if (event === 'left') life.hasLeft = true;
  if (seq === null) return;
  hear(life, event, seq, at_ts);
  if (says.heartbeat_ms !== null && seq > newest.heartbeatMs) {
    [life.heartbeatMs, newest.heartbeatMs] = [says.heartbeat_ms, seq];
  }
  if (says.dead_after_ms !== null && seq > newest.deadAfterMs) {
    [life.deadAfterMs, newest.deadAfterMs] = [says.dead_after_ms, seq];
  }
  if (says.eligible !== null && seq > newest.eligible) [life.eligible, newest.eligible] = [says.eligible, seq];
  if (says.meta_text !== null && seq > newest.meta) [life.meta, newest.meta] = [says.meta_text, seq];
  if (event === 'registered' && seq > newest.firstMeta) [life.firstMeta, newest.firstMeta] = [says.meta_text, seq];
}
