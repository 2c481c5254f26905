/**
 * Registers pods, writes their signs of life, and reads the fleet.
 *
 * Invariants:
 * - Signs of life are appended to a log, under the incarnation's own sequence number. The state of an incarnation is read from
 *   the log, so nothing that every pod does often waits for a lock.
 * - A request that this pod has logged may stand for a heartbeat's sign of life. The answer then says how old it is, because the peers
 *   count from there.
 * - A void claim is not among the claims that a pod holds, so the pod aborts and settles it. If two heartbeats in a row show
 *   one, the pod does not know of it, and it is given back here.
 */
import {
  fenceKey,
  isLive,
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
import type { Pacer } from '../combining/pacer.js';
import type { LoggedSigns } from './logged-signs.js';
import type { SignOfLifeSequence } from './sign-of-life-sequence.js';
import type { StatementRunner } from '../session/session-interface.js';

export interface PodLogDependencies {
  readonly statements: PodStatements;
  /** For signs of life and the view of the fleet. */
  readonly session: StatementRunner;
  /** For the reads and writes of the leader. */
  readonly rest: StatementRunner;
  readonly sequence: SignOfLifeSequence;
  /** The requests of this pod. */
  readonly signs: LoggedSigns;
  /** Learns how many pods are awake. */
  readonly pacer: Pick<Pacer, 'counted'>;
  /** Learns the schema version from the heartbeats. */
  readonly schema: SchemaVersionGuard;
  /** This process's wall clock. */
  readonly wallMs: () => number;
  /** How late other sessions' rows may be read, in ms. */
  readonly staleReadMs: number;
  /** Gives void claims back. */
  readonly giveBack: (pod: PodRef, claims: readonly Fence[]) => void;
}

/** The shortest time that a claim must have stood before its holder counts as unknown. */
const UNSEEN_MS = 60_000;
/** A request that is younger than this share of the heartbeat interval stands for the heartbeat's sign of life. */
const SPARED_SHARE = 0.9;
/** A pod whose dead-after is only so many intervals is left no time to lose. */
const LEAST_INTERVALS = 3;
/** So many heartbeats in a row are spared, so that what a pod publishes about itself does not grow older. */
const MOST_SPARED = 3;

interface Sign {
  readonly event: 'registered' | 'heartbeat' | 'asleep' | 'left';
  readonly heartbeatMs?: number;
  readonly deadAfterMs?: number;
  readonly eligible?: 0 | 1;
  readonly meta?: string;
}

export class PodLog {
  readonly #dependencies: PodLogDependencies;
  /** The incarnation that was registered last in this process, with its types. */
  #registered:
    | {
        readonly incarnation: string;
        readonly types: unknown;
        readonly heartbeatMs: number;
        readonly deadAfterMs: number;
      }
    | undefined;
  /** What the last heartbeat that was written has said, and how many were spared since. */
  #written:
    { readonly incarnation: string; readonly says: string; readonly types: unknown; spared: number } | undefined;
  #signs = 0;
  /** The void claims that the last heartbeat has shown. */
  #voids: ReadonlySet<string> = new Set();

  constructor(dependencies: PodLogDependencies) {
    this.#dependencies = dependencies;
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
    this.#registered = { incarnation, types: meta['types'], heartbeatMs, deadAfterMs };
  }

  async heartbeat(pod: PodRef, beat: Heartbeat): Promise<FleetView> {
    const signAgoMs = await this.#sign(pod, beat);
    const { session, statements, schema, wallMs, pacer } = this.#dependencies;
    const learn = schema.asking();
    const askedAt = wallMs();
    const rows = await session.run(statements.view, JSON.stringify({ incarnation: pod.incarnation }));
    const answeredAt = wallMs();
    const of = (kind: string) => rows.filter((row) => text(row, 'KIND') === kind);
    const [schemaRow] = of('schema');
    if (schemaRow !== undefined) learn(number(schemaRow, 'SEEN'));
    this.#returnVoids(pod, of('void').map(fenceOf));
    const pods = of('pod').map(podOf);
    pacer.counted(pods.filter(isLive).length);
    return {
      pods: pods.sort((a, b) => b.ageMs - a.ageMs || (a.pod.incarnation < b.pod.incarnation ? -1 : 1)),
      claims: of('held').map(fenceOf),
      outdated: schema.outdated,
      wallAheadMs: aheadMs(askedAt, number(of('clock')[0], 'SEEN'), answeredAt),
      ...(signAgoMs !== undefined && { signAgoMs }),
    };
  }

  /** Writes the heartbeat's sign of life. @returns how old the request is that stands for it; `undefined` if it was written */
  async #sign(pod: PodRef, beat: Heartbeat): Promise<number | undefined> {
    const agoMs = this.#dependencies.signs.agoMs(pod.incarnation);
    if (this.#isSpared(pod, beat, agoMs)) return agoMs;
    const { eligible, asleep, heartbeatMs, deadAfterMs, meta } = beat;
    const registered = this.#registered?.incarnation === pod.incarnation ? this.#registered.types : undefined;
    this.#written = undefined; // if its reply is lost, the log may say something else than before
    const turn = ++this.#signs;
    await this.#append(pod, {
      event: asleep ? 'asleep' : 'heartbeat',
      eligible: eligible ? 1 : 0,
      ...(heartbeatMs === undefined ? {} : { heartbeatMs: Math.ceil(heartbeatMs) }),
      ...(deadAfterMs === undefined ? {} : { deadAfterMs: Math.ceil(deadAfterMs) }),
      meta: heartbeatMeta(meta, registered),
    });
    if (turn === this.#signs)
      // otherwise a later one may have said something else
      this.#written = { incarnation: pod.incarnation, says: said(beat), types: meta['types'], spared: 0 };
    return undefined;
  }

  /**
   * Whether a logged request has just been a sign of life, and there is nothing else to say. Counts of steps alone are no reason to
   * write: they may be as old as the last heartbeat that was written. The request must be so young that two more heartbeats fit before
   * the pod is fenced.
   */
  #isSpared({ incarnation }: PodRef, beat: Heartbeat, agoMs: number): boolean {
    const { staleReadMs } = this.#dependencies;
    const written = this.#written;
    if (written?.incarnation !== incarnation || beat.asleep || written.spared >= MOST_SPARED) return false;
    if (written.says !== said(beat) || written.types !== beat.meta['types']) return false;
    const everyMs = beat.heartbeatMs ?? this.#registered?.heartbeatMs ?? 0;
    const deadAfterMs = (beat.deadAfterMs ?? this.#registered?.deadAfterMs ?? 0) - staleReadMs;
    if (agoMs >= Math.min(SPARED_SHARE * everyMs, deadAfterMs - LEAST_INTERVALS * everyMs)) return false;
    written.spared++;
    return true;
  }

  #returnVoids(pod: PodRef, voids: readonly Fence[]): void {
    const again = voids.filter((fence) => this.#voids.has(fenceKey(fence)));
    this.#voids = new Set(voids.map(fenceKey));
    if (again.length > 0) this.#dependencies.giveBack(pod, again);
  }

  async fleet(): Promise<PodView[]> {
    return (await this.#dependencies.rest.run(this.#dependencies.statements.fleet)).map(podOf);
  }

  leave(pod: PodRef): Promise<void> {
    return this.#append(pod, { event: 'left' });
  }

  async orphans(limit: number): Promise<Orphan[]> {
    const { rest, statements, staleReadMs } = this.#dependencies;
    const bind = JSON.stringify({ unseenMs: Math.max(UNSEEN_MS, 2 * staleReadMs) });
    return (await rest.run(statements.orphans(limit), bind)).map(orphanOf);
  }

  async evict(pods: readonly PodRef[]): Promise<PodRef[]> {
    if (pods.length === 0) return [];
    const { rest, statements } = this.#dependencies;
    const bind = JSON.stringify({ incarnations: pods.map(({ incarnation }) => incarnation) });
    await rest.run(statements.evict, bind);
    const gone = new Set((await rest.run(statements.evicted, bind)).map((row) => podRefOf(row).incarnation));
    return pods.filter(({ incarnation }) => gone.has(incarnation));
  }

  async #append({ podId, incarnation }: PodRef, sign: Sign): Promise<void> {
    const { session, statements, sequence } = this.#dependencies;
    await session.run(statements.sign, JSON.stringify({ pod: podId, incarnation, seq: sequence.next(), ...sign }));
  }
}

function said({ eligible, asleep, heartbeatMs, deadAfterMs }: Heartbeat): string {
  return [eligible, asleep, heartbeatMs, deadAfterMs].join();
}

/** The server read its clock somewhere between the question and the answer. Only what exceeds that range is a difference. */
function aheadMs(askedAt: number, serverMs: number, answeredAt: number): number {
  if (askedAt > serverMs) return askedAt - serverMs;
  return answeredAt < serverMs ? answeredAt - serverMs : 0;
}
