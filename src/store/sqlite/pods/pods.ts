/**
 * The pods of the fleet: registers, heartbeats, leaves and evictions.
 *
 * Invariants:
 * - `left` and `evicted` are final. Nothing revives an incarnation.
 * - An incarnation is evicted only for a silence longer than it registered, or if its process has exited. The statement
 *   that evicts checks this again.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Heartbeat, PodRef, PodRegistration, PodView } from '../../contract.js';
import type { Instant, RecordedHeartbeat } from '../clock/store-clock.js';
import { PodStepTypes, withoutTypes } from './pod-step-types.js';
import type { ProcessMark } from './process-table.js';
import { podOf, processOf, type PodRow, type ProcessRow } from '../row-mapping.js';
import {
  BEAT,
  EVICT,
  EVICT_EXITED,
  FLEET,
  LEAVE,
  LIFE_OF,
  NEWEST_HEARTBEAT,
  NEWEST_STEP,
  PROCESS_OF,
  REGISTER,
  LIVING_HEARTBEATS,
} from './statements.js';

type HeartbeatRow = readonly [heardAt: number, deadAfterMs: number, hostMs: number, boot: string];
type LifeRow = readonly [final: 'left' | 'evicted' | null, asleep: number];

/** An incarnation that is not final, with the process that it registered. */
export interface Member {
  readonly incarnation: string;
  readonly view: PodView;
  readonly process: ProcessMark | undefined;
}

/** The end of the year 9999. SQL may write a later time into a step, and no clock starts there. */
const LATEST_INSTANT = 253_402_300_799_999;

export class Pods {
  readonly #register: Statement;
  readonly #beat: Statement;
  readonly #fleet: Statement<[], PodRow>;
  readonly #lifeOf: Statement<[string], LifeRow>;
  readonly #leave: Statement<[string]>;
  readonly #evict: Statement<[string, number]>;
  readonly #evictExited: Statement<[string, number, string, number]>;
  readonly #processOf: Statement<[string], ProcessRow>;
  readonly #newestHeartbeat: Statement<[], number | null>;
  readonly #newestStep: Statement<[], number>;
  readonly #heartbeats: Statement<[], HeartbeatRow>;
  readonly #types: PodStepTypes;

  constructor(connection: Database) {
    this.#register = connection.prepare(REGISTER);
    this.#beat = connection.prepare(BEAT);
    this.#fleet = connection.prepare<[], PodRow>(FLEET).raw();
    this.#lifeOf = connection.prepare<[string], LifeRow>(LIFE_OF).raw();
    this.#leave = connection.prepare<[string]>(LEAVE);
    this.#evict = connection.prepare<[string, number]>(EVICT);
    this.#evictExited = connection.prepare<[string, number, string, number]>(EVICT_EXITED);
    this.#processOf = connection.prepare<[string], ProcessRow>(PROCESS_OF).raw();
    this.#newestHeartbeat = connection.prepare<[], number | null>(NEWEST_HEARTBEAT).pluck();
    this.#newestStep = connection.prepare<[], number>(NEWEST_STEP).pluck();
    this.#types = new PodStepTypes(connection);
    this.#heartbeats = connection.prepare<[], HeartbeatRow>(LIVING_HEARTBEATS).raw();
  }

  /** The newest heartbeat; 0 if there is none. */
  newestHeartbeat(): number {
    return this.#newestHeartbeat.get() ?? 0;
  }

  /** The newest heartbeat or step; 0 if there is none. */
  newestInstant(): number {
    const newestStep = this.#newestStep.get() ?? 0;
    return Math.max(this.newestHeartbeat(), newestStep <= LATEST_INSTANT ? newestStep : 0);
  }

  /** The signs of life of the incarnations that are not final. */
  heartbeats(): RecordedHeartbeat[] {
    const decoded = ([heardAt, deadAfterMs, hostMs, boot]: HeartbeatRow): RecordedHeartbeat => ({
      heardAt,
      deadAfterMs,
      hostMs,
      boot,
    });
    return this.#heartbeats.all().map(decoded);
  }

  register({ now, hostMs, boot }: Instant, pod: PodRegistration, mark: ProcessMark | undefined): void {
    const { incarnation, podId, heartbeatMs, deadAfterMs, meta } = pod;
    this.#register.run(
      incarnation,
      podId,
      now,
      now,
      Math.ceil(heartbeatMs),
      Math.ceil(deadAfterMs),
      withoutTypes(meta),
      hostMs,
      boot,
      mark?.pid ?? null,
      mark?.namespace ?? null,
      mark?.startedAt ?? null,
    );
    this.#types.put(incarnation, meta);
  }

  beat({ now, hostMs, boot }: Instant, { incarnation }: PodRef, beat: Heartbeat): void {
    const { eligible, asleep, heartbeatMs, deadAfterMs, meta } = beat;
    const limits = [rounded(heartbeatMs), rounded(deadAfterMs)];
    this.#beat.run(now, ...limits, eligible ? 1 : 0, asleep ? 1 : 0, withoutTypes(meta), hostMs, boot, incarnation);
    this.#types.put(incarnation, meta);
  }

  /** Every incarnation that is not final, the oldest first. */
  members(now: number): Member[] {
    const rows = this.#fleet.all();
    this.#types.keep(new Set(rows.map((row) => row[13])));
    return rows.map((row) => ({
      incarnation: row[1],
      view: podOf(row, now, this.#types.of(row[1], row[13])),
      process: processOf([row[10], row[11], row[12]]),
    }));
  }

  /** The process that an incarnation registered. */
  processOf({ incarnation }: PodRef): ProcessMark | undefined {
    const row = this.#processOf.get(incarnation);
    return row && processOf(row);
  }

  /** Whether it may hold claims: registered, not final, awake. */
  isAwake({ incarnation }: PodRef): boolean {
    const life = this.#lifeOf.get(incarnation);
    return life?.[0] === null && life[1] === 0;
  }

  leave({ incarnation }: PodRef): void {
    this.#leave.run(incarnation);
    this.#types.drop(incarnation);
  }

  /** @param exited its process, if that has provably exited. @returns whether it is evicted now */
  evict(now: number, { incarnation }: PodRef, exited: ProcessMark | undefined): boolean {
    if (exited === undefined) this.#evict.run(incarnation, now);
    else this.#evictExited.run(incarnation, exited.pid, exited.namespace, exited.startedAt);
    this.#types.drop(incarnation);
    return this.#lifeOf.get(incarnation)?.[0] === 'evicted';
  }
}

function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.ceil(ms);
}
