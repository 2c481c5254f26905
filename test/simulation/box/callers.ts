/**
 * The callers of a simulated fleet: they submit, ask, cancel and retry, over the client or over a pod that runs.
 *
 * Invariants: what they chose is decided by the plan and the fleet's state alone.
 */
import type { StepState } from '../history/history.js';
import type { Action } from '../plan/plan.js';
import { misuse } from './bad-input.js';
import { lookAround, preview, recoverByHand } from './other-calls.js';
import type { SimulatedProcess } from './simulated-process.js';
import { manyTypes } from './step-types.js';
import { namesIds, pileUp, send, type Submission } from './submissions.js';
import { waitFor } from './waits.js';

const KINDS = [
  'submit',
  'cancel',
  'retry',
  'resubmit',
  'wait',
  'read',
  'look',
  'misuse',
  'recover',
  'backlog',
] as const;

export type Call = Extract<Action, { readonly do: (typeof KINDS)[number] }>;
type ToOneStep = Extract<Call, { readonly step: number }>;
type Backlog = Extract<Call, { readonly do: 'backlog' }>;

export function isCall(action: Action): action is Call {
  return KINDS.some((kind) => kind === action.do);
}

/** In which state a call wants its step. Others take any. */
const WANTED: Partial<Record<Call['do'], readonly StepState['status'][]>> = {
  cancel: ['pending', 'claimed'],
  retry: ['failed', 'cancelled'],
};

/** A step of a backlog. */
const SMALL: Omit<Submission, 'at' | 'type' | 'priority'> = {
  do: 'submit',
  count: 1,
  delayMs: 0,
  maxRetries: 1,
  behaviour: { does: 'returns', forMs: 5 },
};

interface Submitted {
  readonly stepId: string;
  /** Under which it is submitted again: its id, or what its key is made of. */
  readonly name: string;
  readonly submission: Submission;
}

export class Callers {
  readonly #client: SimulatedProcess;
  readonly #running: () => readonly SimulatedProcess[];
  readonly #rows: () => readonly StepState[];
  /** Every step under the id with which it was submitted, answered or not; of one without, once it was answered. */
  readonly #submitted: Submitted[] = [];
  #names = 0;
  #turn = 0;

  /** @param rows the steps as the store has them */
  constructor(
    client: SimulatedProcess,
    running: () => readonly SimulatedProcess[],
    rows: () => readonly StepState[] = () => [],
  ) {
    this.#client = client;
    this.#running = running;
    this.#rows = rows;
  }

  act(call: Call): void {
    if (call.do === 'submit') return void this.#submit(call);
    if (call.do === 'backlog') return this.#pileUp(call);
    if (call.do === 'look') return void lookAround(this.#caller(), call.from ?? 0);
    if (call.do === 'misuse') return void misuse(this.#caller(), call.from ?? 0);
    if (call.do === 'recover') return void (call.how === 'a preview' ? preview : recoverByHand)(this.#caller());
    const chosen = this.#chosen(call);
    if (chosen === undefined) return;
    this.#ask(call, chosen);
    if ('twice' in call && call.twice) this.#ask(call, chosen);
  }

  /** A step that was submitted. People cancel what has not ended, and retry what has failed, if there is any. */
  #chosen({ do: what, step }: ToOneStep): Submitted | undefined {
    const all = this.#submitted;
    const wanted = WANTED[what];
    if (wanted === undefined || all.length === 0) return all[step % Math.max(1, all.length)];
    const ids = new Set(this.#rows().flatMap(({ stepId, status }) => (wanted.includes(status) ? [stepId] : [])));
    const fitting = all.filter(({ stepId }) => ids.has(stepId));
    const from = fitting.length > 0 ? fitting : all;
    return from[step % from.length];
  }

  #ask(call: ToOneStep, { stepId, name, submission }: Submitted): void {
    const caller = this.#caller();
    switch (call.do) {
      case 'cancel':
        return void caller.call('cancel', (queue) => queue.cancel(stepId), { stepId });
      case 'retry':
        return void caller.call('retry', (queue) => queue.retry(stepId), { stepId });
      case 'resubmit': {
        const { behaviour } = submission;
        const other = call.other === true ? { ...behaviour, forMs: behaviour.forMs + 1 } : behaviour;
        return void send(caller, { ...submission, behaviour: other }, [name]);
      }
      case 'wait':
        if (call.how !== 'for all') return void waitFor(caller, stepId, call.how);
        for (const one of this.#submitted) void waitFor(caller, one.stepId, undefined);
        return;
      case 'read':
        return void this.#read(caller, stepId);
    }
  }

  /** The client and the pods that run, in turn. */
  #caller(): SimulatedProcess {
    const pods = this.#running();
    const turn = this.#turn++ % (pods.length + 1);
    return turn === 0 ? this.#client : pods[turn - 1]!;
  }

  /** A step of the client, which pods learn of from the store alone. */
  submitSmall(): void {
    void this.#submit({ ...SMALL, at: 0, type: 'plain', priority: 0 }, [this.#client]);
  }

  async #submit(submission: Submission, by?: readonly SimulatedProcess[]): Promise<void> {
    const names = Array.from({ length: submission.count }, () => idOf(this.#names++));
    if (namesIds(submission)) for (const name of names) this.#submitted.push({ stepId: name, name, submission });
    const callers = by ?? (submission.keyed === true ? [this.#caller(), this.#caller()] : [this.#caller()]);
    const answers = await Promise.all(callers.map((caller) => send(caller, submission, names)));
    if (namesIds(submission)) return;
    for (const [i, stepId] of (answers[0] ?? []).entries())
      this.#submitted.push({ stepId, name: names[i] ?? stepId, submission });
  }

  /** Small steps of many types and priorities, in one call. */
  #pileUp(backlog: Backlog): void {
    const piled = manyTypes(backlog.types).flatMap((type, i) =>
      Array.from({ length: backlog.each }, () => ({
        type,
        priority: i % backlog.priorities,
        name: idOf(this.#names++),
      })),
    );
    for (const { name, type, priority } of piled)
      this.#submitted.push({ stepId: name, name, submission: { ...SMALL, at: backlog.at, type, priority } });
    void pileUp(this.#caller(), piled, { ...SMALL, delayMs: backlog.delayMs });
  }

  #read(caller: SimulatedProcess, stepId: string): Promise<unknown> {
    return caller.call(
      'getStep',
      (queue) => queue.getStep(stepId),
      { stepId },
      ({ status, version, retryCount }) => ({ answer: { status, version, retryCount } }),
    );
  }
}

function idOf(index: number): string {
  return `s${String(index).padStart(4, '0')}`;
}
