/**
 * Measures how this pod's own stalls break its looks at the fleet, and tells them apart from a store that does not answer.
 *
 * Invariants:
 * - A heartbeat was *unanswered* only if it was open for too long while this pod was awake to hear the answer. If the pod stood
 *   still meanwhile, nobody knows when the answer came: the look was interrupted, and proves nothing against the store.
 * - Awake is what timers show that are set while a heartbeat is open: a short stall, up to two of their periods, counts as awake.
 *   So the error makes a heartbeat look longer, and never hides an outage that this pod could see.
 * - The same holds for a pod that is fenced as silent: what it has watched is void only if it was silent for so long while awake.
 * - What a look has lost is the time by which its heartbeat began late, and the time for which the pod stood still while it was
 *   open. A stall between two heartbeats that are sent in time breaks no look.
 */
import type { Runtime, Timer } from '../runtime/runtime.js';
import type { HeartbeatPace } from './heartbeat-pace.js';
import type { LeaderFitness } from './leader-fitness.js';
import type { PeerWatch } from './peer-watch.js';
import type { SelfFence } from './self-fence.js';

export interface OwnStallsDependencies {
  readonly runtime: Pick<Runtime, 'monotonicMs' | 'after'>;
  readonly pace: Pick<HeartbeatPace, 'intervalMs' | 'resendAfterMs' | 'deadAfterMs'>;
  readonly peers: Pick<PeerWatch, 'unanswered' | 'interrupt' | 'reset'>;
  readonly fitness: Pick<LeaderFitness, 'looked'>;
}

/** Periods of the timers within the time in which a heartbeat is answered. */
const PERIODS = 20;
/** A period may take this many times as long, for a busy event loop. */
const SLACK = 2;

/** A heartbeat that is open, or has just ended. */
interface Open {
  readonly beganAt: number;
  /** By how much it began late. */
  readonly lateMs: number;
  readonly awake: AwakeTime;
}

export class OwnStalls {
  readonly #deps: OwnStallsDependencies;
  /** When the next heartbeat is due. */
  #dueAt = Infinity;
  /** When the last look ended. */
  #lookedAt: number | undefined;
  #open: Open | undefined;
  /** To stalls, since the last heartbeat was sent that was answered. */
  #lostMs = 0;
  #lostInLastMs = 0;

  constructor(deps: OwnStallsDependencies) {
    this.#deps = deps;
  }

  /** The next heartbeat is due after this pause. @returns the pause */
  pauses(ms: number): number {
    this.#dueAt = this.#deps.runtime.monotonicMs() + ms;
    return ms;
  }

  /** Waits for a heartbeat, and judges how it was heard. @throws what it threw */
  async during<T>(heartbeat: () => Promise<T>): Promise<T> {
    const { runtime } = this.#deps;
    const beganAt = runtime.monotonicMs();
    const awake = new AwakeTime(runtime, this.#answeredWithinMs / PERIODS);
    const open = { beganAt, lateMs: Math.max(0, beganAt - this.#dueAt), awake };
    this.#open = open;
    try {
      return await heartbeat();
    } finally {
      awake.end();
      this.#open = undefined;
      this.#judge(open);
    }
  }

  /** The heartbeat that has ended was answered, and the pod may proceed. */
  answered(): void {
    this.#lostMs = this.#lostInLastMs;
  }

  /** The pod was fenced. */
  fenced({ reason, silentForMs, fenceAfterMs }: Pick<SelfFence, 'reason' | 'silentForMs' | 'fenceAfterMs'>): void {
    const { peers } = this.#deps;
    const lostMs = this.#lostMs + (this.#open === undefined ? 0 : this.#open.lateMs + this.#stoodStillMs(this.#open));
    const stalled = reason === 'frozen' || (reason === 'silent' && silentForMs - lostMs < fenceAfterMs);
    if (stalled) peers.interrupt();
    else peers.reset();
  }

  get #answeredWithinMs(): number {
    const { intervalMs, resendAfterMs } = this.#deps.pace;
    return Math.min(intervalMs, resendAfterMs);
  }

  #judge(look: Open): void {
    const { runtime, peers, fitness, pace } = this.#deps;
    const now = runtime.monotonicMs();
    const limitMs = this.#answeredWithinMs;
    if (look.awake.ms > limitMs) peers.unanswered();
    else if (now - look.beganAt > limitMs) peers.interrupt();
    this.#lostInLastMs = this.#stoodStillMs(look);
    const lostMs = look.lateMs + this.#lostInLastMs;
    this.#lostMs += lostMs;
    fitness.looked({ passedMs: now - (this.#lookedAt ?? look.beganAt), lostMs, windowMs: pace.deadAfterMs });
    this.#lookedAt = now;
  }

  #stoodStillMs({ beganAt, awake }: Open): number {
    return this.#deps.runtime.monotonicMs() - beganAt - awake.ms;
  }
}

/** Counts for how long the event loop runs, until it ends. */
class AwakeTime {
  readonly #runtime: OwnStallsDependencies['runtime'];
  readonly #periodMs: number;
  #countedMs = 0;
  #ranAt: number;
  #timer: Timer | undefined;

  constructor(runtime: OwnStallsDependencies['runtime'], periodMs: number) {
    this.#runtime = runtime;
    this.#periodMs = periodMs;
    this.#ranAt = runtime.monotonicMs();
    this.#tick();
  }

  get ms(): number {
    return this.#countedMs + (this.#timer === undefined ? 0 : this.#sinceMs());
  }

  end(): void {
    this.#count();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #tick(): void {
    this.#count();
    this.#timer = this.#runtime.after(this.#periodMs, () => this.#tick(), { ref: false });
  }

  #count(): void {
    this.#countedMs += this.#sinceMs();
    this.#ranAt = this.#runtime.monotonicMs();
  }

  #sinceMs(): number {
    return Math.min(this.#runtime.monotonicMs() - this.#ranAt, SLACK * this.#periodMs);
  }
}
