/**
 * Writes histories by hand, for the tests of the rules: each method adds what really happens at once, and keeps the rows.
 *
 * Invariants: what the methods write obeys the rules. A broken history is written with `change`, `add` and `state`.
 */
import type {
  Asked,
  EventFields,
  Finished,
  MemberChanged,
  ProcessSettings,
  RunEnded,
  StepState,
  Told,
  Unstamped,
} from '../../history/history.js';
import { History } from '../../history/history.js';

interface Pod {
  readonly podId: string;
  readonly incarnation: string;
}

const SETTINGS: ProcessSettings = { heartbeatMs: 1_000, deadAfterMs: 5_000, slots: 2, types: ['work'] };

const NEW: Omit<StepState, 'stepId' | 'rowId' | 'dueAt'> = {
  ...{ status: 'pending', type: 'work', version: 0, retryCount: 0, maxRetries: 3, crashes: 0, priority: 0 },
  ...{ claimToken: null, claimedIncarnation: null, settledBy: null, errorCode: null },
};

export class HistoryBuilder {
  readonly #history = new History(() => this.now);
  readonly #rows = new Map<string, StepState>();
  readonly #archived: StepState[] = [];
  readonly #pods = new Map<string, Pod>();
  readonly #alive = new Set<string>();
  /** The run of each step that has not ended. */
  readonly #runs = new Map<string, number>();
  #count = 0;
  now = 0;

  get entries() {
    return this.#history.entries;
  }

  add(entry: Unstamped): this {
    this.#history.add(entry);
    return this;
  }

  after(ms: number): this {
    this.now += ms;
    return this;
  }

  // ---- processes

  /** A pod that starts and joins. */
  pod(
    process: string,
    { podId = process, settings = {} }: { podId?: string; settings?: Partial<ProcessSettings> } = {},
  ): this {
    this.add({ kind: 'process', process, podId, what: 'starts', settings: { ...SETTINGS, ...settings } });
    this.#pods.set(process, { podId, incarnation: '' });
    this.#alive.add(process);
    return this.joins(process).add({ kind: 'process', process, podId, what: 'started' });
  }

  /** A new incarnation of the process. */
  joins(process: string): this {
    const { podId } = this.#pod(process);
    this.#pods.set(process, { podId, incarnation: `${process}-life-${++this.#count}` });
    return this.member(process, 'registered').event(process, 'pod:joined', this.#pod(process));
  }

  member(process: string, event: MemberChanged['event'], by = process, silentForMs?: number): this {
    const silent = silentForMs === undefined ? {} : { silentForMs };
    return this.add({ kind: 'member', ...this.#pod(process), event, process: by, ...silent });
  }

  leaves(process: string): this {
    this.#alive.delete(process);
    const { podId } = this.#pod(process);
    return this.add({ kind: 'process', process, podId, what: 'stopping' })
      .member(process, 'left')
      .event(process, 'queue:stopped')
      .add({ kind: 'process', process, podId, what: 'stopped' });
  }

  /** It is asked to stop, and drains. */
  stopping(process: string): this {
    return this.add({ kind: 'process', process, podId: this.#pod(process).podId, what: 'stopping' });
  }

  killed(process: string): this {
    this.#alive.delete(process);
    return this.add({ kind: 'process', process, podId: this.#pod(process).podId, what: 'killed' });
  }

  fenced(process: string, reason: string, recoverable = true): this {
    return this.event(process, 'pod:fenced', { ...this.#pod(process), reason, recoverable });
  }

  fault(name: string, process?: string, forMs?: number): this {
    const until = forMs === undefined ? {} : { until: this.now + forMs };
    return this.add({ kind: 'fault', name, ...(process === undefined ? {} : { process }), ...until });
  }

  incarnationOf(process: string): string {
    return this.#pod(process).incarnation;
  }

  // ---- steps

  submitted(stepId: string, given: Partial<StepState> = {}, process = 'client'): this {
    return this.call(
      'submit',
      process,
      () => this.row(stepId, given).event(process, 'step:submitted', { receipt: 'created' }, stepId),
      {
        told: { stepIds: [stepId] },
      },
    );
  }

  /** A new row of the table. */
  row(stepId: string, given: Partial<StepState> = {}): this {
    const after: StepState = { ...NEW, stepId, rowId: '1', dueAt: this.now, ...given };
    this.#rows.set(keyOf(after), after);
    return this.add({ kind: 'row', table: 'steps', after });
  }

  /** The row changes, by default to its next version. */
  change(stepId: string, to: Partial<StepState>, rowId = '1', process?: string): this {
    const before = this.state(stepId, rowId);
    const after = { ...before, version: before.version + 1, ...to };
    this.#rows.set(keyOf(after), after);
    return this.add({ kind: 'row', table: 'steps', before, after, ...(process === undefined ? {} : { process }) });
  }

  removed(stepId: string, rowId = '1'): this {
    const before = this.state(stepId, rowId);
    this.#rows.delete(keyOf(before));
    return this.add({ kind: 'row', table: 'steps', before });
  }

  /** Copied to the archive, then removed from the table. */
  archived(stepId: string): this {
    const after = this.state(stepId);
    this.#archived.push(after);
    return this.add({ kind: 'row', table: 'archive', after }).removed(stepId);
  }

  /** @param by the process whose statement makes the claim */
  claimed(stepId: string, process: string, given: Partial<StepState> = {}, rowId = '1', by?: string): this {
    const claim = { claimToken: `token-${++this.#count}`, claimedIncarnation: this.#pod(process).incarnation };
    this.change(stepId, { status: 'claimed', ...claim, ...given }, rowId, by);
    return this.event(process, 'step:claimed', this.#attempt(stepId, rowId), stepId);
  }

  began(stepId: string, process: string, attempt = this.#attempt(stepId).attempt): this {
    this.#runs.set(stepId, ++this.#count);
    return this.event(process, 'step:started', { attempt }, stepId).add({
      kind: 'began',
      run: this.#count,
      process,
      stepId,
      attempt,
    });
  }

  ended(stepId: string, how: RunEnded['how'] = 'returned', aborted = false): this {
    return this.add({ kind: 'ended', run: this.#runs.get(stepId) ?? 0, how, aborted });
  }

  /** A settlement, without its event. */
  settled(stepId: string, by: string, to: Partial<StepState>): this {
    const settledBy = this.#pods.get(by)?.incarnation ?? by;
    return this.change(stepId, { claimToken: null, settledBy, ...to });
  }

  completed(stepId: string, process: string): this {
    const attempt = this.#attempt(stepId);
    return this.ended(stepId)
      .settled(stepId, process, { status: 'completed' })
      .event(process, 'step:completed', attempt, stepId);
  }

  /** Fails, and will be retried. */
  retrying(stepId: string, process: string): this {
    const { retryCount } = this.state(stepId);
    const to = { status: 'pending', retryCount: retryCount + 1, errorCode: 'Error' } as const;
    return this.ended(stepId, 'threw')
      .settled(stepId, process, to)
      .event(process, 'step:retrying', { attempt: retryCount + 1 }, stepId);
  }

  released(stepId: string, process: string): this {
    const attempt = this.#attempt(stepId);
    return this.settled(stepId, process, { status: 'pending' }).event(process, 'step:released', attempt, stepId);
  }

  /** The leader gives an orphan back. */
  recovered(stepId: string, leader: string, crash: 0 | 1 = 1): this {
    const attempt = this.#attempt(stepId);
    const crashes = this.state(stepId).crashes + crash;
    return this.settled(stepId, leader, { status: 'pending', crashes }).event(leader, 'step:released', attempt, stepId);
  }

  /** Claimed, run and completed. */
  done(stepId: string, process: string): this {
    return this.claimed(stepId, process).began(stepId, process).after(10).completed(stepId, process);
  }

  state(stepId: string, rowId = '1'): StepState {
    const state = this.#rows.get(`${stepId} ${rowId}`);
    if (state === undefined) throw new Error(`no row ${rowId} of ${stepId}`);
    return state;
  }

  // ---- events and calls

  event(process: string, name: string, fields: EventFields = {}, stepId?: string): this {
    return this.add({ kind: 'event', process, name, fields, ...(stepId === undefined ? {} : { stepId }) });
  }

  /** A call, what happens before its answer, and its answer. */
  call(
    method: string,
    process: string,
    meanwhile: () => void = () => {},
    { asked = {}, told = {} }: { asked?: Partial<Asked>; told?: Partial<Told> } = {},
  ): this {
    const call = ++this.#count;
    this.add({ kind: 'asked', call, process, method, ...asked });
    meanwhile();
    return this.add({ kind: 'told', call, ...told });
  }

  cancelled(stepId: string, process = 'client'): this {
    const change = (): void => void this.settled(stepId, `cancel-${++this.#count}`, { status: 'cancelled' });
    this.call('cancel', process, change, { asked: { stepId }, told: { answer: 'cancelled' } });
    return this.event(process, 'step:cancelled', { by: 'caller' }, stepId);
  }

  retried(stepId: string, given: Partial<StepState> = {}, process = 'client'): this {
    const fresh = { status: 'pending', retryCount: 0, crashes: 0, errorCode: null, dueAt: this.now } as const;
    return this.call('retry', process, () => this.change(stepId, { ...fresh, ...given }), {
      asked: { stepId },
      told: { answer: 'retried' },
    });
  }

  // ---- the end

  calm(): this {
    return this.add({ kind: 'calm' });
  }

  finished(given: Partial<Finished> = {}): this {
    const alive = [...this.#alive].map((process, i) => {
      const well = { phase: 'running', problems: [], held: 0 };
      return { process, ...this.#pod(process), isLeader: i === 0, ...well };
    });
    const rows = { steps: [...this.#rows.values()], archived: this.#archived };
    return this.add({ kind: 'finished', ...rows, alive, drainedAt: this.now, timersLeft: {}, ...given });
  }

  #pod(process: string): Pod {
    return this.#pods.get(process) ?? { podId: process, incarnation: process };
  }

  #attempt(stepId: string, rowId?: string): { attempt: number } {
    return { attempt: this.state(stepId, rowId).retryCount + 1 };
  }
}

function keyOf({ stepId, rowId }: StepState): string {
  return `${stepId} ${rowId}`;
}
