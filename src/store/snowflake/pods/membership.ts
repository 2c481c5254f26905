/**
 * Registers pods, writes their signs of life, and reads the fleet.
 *
 * Invariants:
 * - Signs are appended to a log, under the incarnation's own sequence number; what an incarnation is, the log says. So
 *   nothing that every pod does often waits for a lock.
 * - A void claim is not among those that a pod holds, so the pod aborts and settles it. One that two heartbeats in a row
 *   show is unknown to the pod, and is given back here.
 */
import {
  fenceKey,
  type Fence,
  type FleetView,
  type Heartbeat,
  type Orphan,
  type PodRef,
  type PodRegistration,
  type PodView,
} from '../../contract.js';
import { heartbeatMeta, registeredMeta } from './meta-encoding.js';
import type { PodStatements } from './statements.js';
import { fenceOf, number, orphanOf, podOf, podRefOf, text } from '../rows.js';
import type { SchemaVersionGuard } from '../schema-version-guard.js';
import type { PodSequence } from './pod-sequence.js';
import type { StatementRunner } from '../session/session.js';

export interface MembershipParts {
  readonly statements: PodStatements;
  /** For signs of life, and what answers them. */
  readonly session: StatementRunner;
  /** For what the leader does. */
  readonly rest: StatementRunner;
  readonly sequence: PodSequence;
  /** Learns from the heartbeats. */
  readonly schema: SchemaVersionGuard;
  /** This process's wall clock. */
  readonly wallMs: () => number;
  /** How late, at most, others' rows are read. */
  readonly staleReadMs: number;
  /** Gives void claims back. */
  readonly giveBack: (pod: PodRef, claims: readonly Fence[]) => void;
}

/** For how long a claim must have stood before the absence of a sign of its holder is believed, at the least. */
const UNSEEN_MS = 60_000;

interface Sign {
  readonly event: 'registered' | 'heartbeat' | 'asleep' | 'left';
  readonly heartbeatMs?: number;
  readonly deadAfterMs?: number;
  readonly eligible?: 0 | 1;
  readonly meta?: string;
}

export class Membership {
  readonly #parts: MembershipParts;
  /** The incarnation that was registered here last, with its types. */
  #registered: { readonly incarnation: string; readonly types: unknown } | undefined;
  /** Void claims that the last heartbeat has shown. */
  #voids: ReadonlySet<string> = new Set();

  constructor(parts: MembershipParts) {
    this.#parts = parts;
  }

  async register({ podId, incarnation, heartbeatMs, deadAfterMs, meta }: PodRegistration): Promise<void> {
    await this.#append(
      { podId, incarnation },
      {
        event: 'registered',
        heartbeatMs: Math.ceil(heartbeatMs),
        deadAfterMs: Math.ceil(deadAfterMs),
        eligible: 1,
        meta: registeredMeta(meta),
      },
    );
    this.#registered = { incarnation, types: meta['types'] };
  }

  async heartbeat(pod: PodRef, { eligible, asleep, meta }: Heartbeat): Promise<FleetView> {
    const registered = this.#registered?.incarnation === pod.incarnation ? this.#registered.types : undefined;
    await this.#append(pod, {
      event: asleep ? 'asleep' : 'heartbeat',
      eligible: eligible ? 1 : 0,
      meta: heartbeatMeta(meta, registered),
    });
    const { session, statements, schema, wallMs } = this.#parts;
    const learn = schema.asking();
    const askedAt = wallMs();
    const rows = await session.run(statements.view, JSON.stringify({ incarnation: pod.incarnation }));
    const answeredAt = wallMs();
    const of = (kind: string) => rows.filter((row) => text(row, 'KIND') === kind);
    const [schemaRow] = of('schema');
    if (schemaRow !== undefined) learn(number(schemaRow, 'SEEN'));
    this.#returnVoids(pod, of('void').map(fenceOf));
    return {
      pods: of('pod')
        .map(podOf)
        .sort((a, b) => b.ageMs - a.ageMs || (a.pod.incarnation < b.pod.incarnation ? -1 : 1)),
      claims: of('held').map(fenceOf),
      outdated: schema.outdated,
      wallAheadMs: aheadMs(askedAt, number(of('clock')[0], 'SEEN'), answeredAt),
    };
  }

  #returnVoids(pod: PodRef, voids: readonly Fence[]): void {
    const again = voids.filter((fence) => this.#voids.has(fenceKey(fence)));
    this.#voids = new Set(voids.map(fenceKey));
    if (again.length > 0) this.#parts.giveBack(pod, again);
  }

  async fleet(): Promise<PodView[]> {
    return (await this.#parts.rest.run(this.#parts.statements.fleet)).map(podOf);
  }

  leave(pod: PodRef): Promise<void> {
    return this.#append(pod, { event: 'left' });
  }

  async orphans(limit: number): Promise<Orphan[]> {
    const { rest, statements, staleReadMs } = this.#parts;
    const bind = JSON.stringify({ unseenMs: Math.max(UNSEEN_MS, 2 * staleReadMs) });
    return (await rest.run(statements.orphans(limit), bind)).map(orphanOf);
  }

  async evict(pods: readonly PodRef[]): Promise<PodRef[]> {
    if (pods.length === 0) return [];
    const { rest, statements } = this.#parts;
    const bind = JSON.stringify({ incarnations: pods.map(({ incarnation }) => incarnation) });
    await rest.run(statements.evict, bind);
    const gone = new Set((await rest.run(statements.evicted, bind)).map((row) => podRefOf(row).incarnation));
    return pods.filter(({ incarnation }) => gone.has(incarnation));
  }

  async #append({ podId, incarnation }: PodRef, sign: Sign): Promise<void> {
    const { session, statements, sequence } = this.#parts;
    await session.run(statements.sign, JSON.stringify({ pod: podId, incarnation, seq: sequence.next(), ...sign }));
  }
}

/** The server's instant lies somewhere between the asking and the answer: only what is left beyond that is a difference. */
function aheadMs(askedAt: number, serverMs: number, answeredAt: number): number {
  if (askedAt > serverMs) return askedAt - serverMs;
  return answeredAt < serverMs ? answeredAt - serverMs : 0;
}
