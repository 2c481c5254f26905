/**
 * The callers of a simulated fleet: they submit, ask, cancel and retry, over the client or over a pod that runs.
 *
 * Invariants: what they chose is decided by the plan and the fleet's state alone.
 */
import type { AnyFleetQ } from '../../../src/index.js';
import type { StepState } from '../history/history.js';
import type { Action } from '../plan/plan.js';
import { lookAround, misuse, recoverByHand } from './other-calls.js';
import type { SimulatedProcess } from './simulated-process.js';

type Call = Extract<
  Action,
  { readonly do: 'submit' | 'cancel' | 'retry' | 'resubmit' | 'wait' | 'read' | 'look' | 'misuse' | 'recover' }
>;
type Submission = Extract<Call, { readonly do: 'submit' }>;

/** How long a caller waits for the end of a step. */
const WAIT_MS = 20_000;

interface Receipt {
  readonly stepId: string;
  readonly receipt: string;
}

/** In which state a call wants its step. Others take any. */
const WANTED: Partial<Record<Call['do'], readonly StepState['status'][]>> = {
  cancel: ['pending', 'claimed'],
  retry: ['failed', 'cancelled'],
};

/** What was submitted, whether that was answered or not. */
interface Submitted {
  readonly submission: Submission;
  /** Of a submission under an idempotency key. */
  readonly key?: string;
  /** With a key: as the first answer says. */
  stepId?: string;
}

export class Callers {
  readonly #client: SimulatedProcess;
  readonly #running: () => readonly SimulatedProcess[];
  readonly #rows: () => readonly StepState[];
  readonly #submitted: Submitted[] = [];
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
    if (call.do === 'submit') return this.#submit(call);
    if (call.do === 'look') return void lookAround(this.#caller());
    if (call.do === 'misuse') return void misuse(this.#caller());
    if (call.do === 'recover') return void recoverByHand(this.#caller());
    const chosen = this.#chosen(call);
    if (chosen?.stepId === undefined) return;
    const { stepId } = chosen;
    const caller = this.#caller();
    switch (call.do) {
      case 'cancel':
        return void caller.call('cancel', (queue) => queue.cancel(stepId), { stepId });
      case 'retry':
        this.#retry(caller, stepId);
        if (call.twice === true) this.#retry(this.#caller(), stepId);
        return;
      case 'resubmit':
        return void this.#send(caller, chosen);
      case 'wait':
        return void this.#wait(caller, stepId);
      case 'read':
        return void this.#read(caller, stepId);
    }
  }

  /** A step that was submitted. People cancel what has not ended, and retry what has failed, if there is any. */
  #chosen({ do: what, step }: Extract<Call, { readonly step: number }>): Submitted | undefined {
    const all = this.#submitted;
    const wanted = WANTED[what];
    if (wanted === undefined || all.length === 0) return all[step % Math.max(1, all.length)];
    const ids = new Set(this.#rows().flatMap(({ stepId, status }) => (wanted.includes(status) ? [stepId] : [])));
    const fitting = all.filter(({ stepId }) => stepId !== undefined && ids.has(stepId));
    const from = fitting.length > 0 ? fitting : all;
    return from[step % from.length];
  }

  /** The client and the pods that run, in turn. */
  #caller(): SimulatedProcess {
    const pods = this.#running();
    const turn = this.#turn++ % (pods.length + 1);
    return turn === 0 ? this.#client : pods[turn - 1]!;
  }

  #submit(submission: Submission): void {
    const { count, keyed, alone } = submission;
    const made = Array.from({ length: count }, (_, i): Submitted => {
      const name = nameOf(this.#submitted.length + i);
      return keyed === true ? { submission, key: `key-${name}` } : { submission, stepId: name };
    });
    this.#submitted.push(...made);
    const callers = keyed === true ? [this.#caller(), this.#caller()] : [this.#caller()];
    for (const caller of callers) {
      if (keyed !== true && alone !== true) void this.#sendMany(caller, made);
      else for (const one of made) void this.#send(caller, one);
    }
  }

  async #send(caller: SimulatedProcess, submitted: Submitted): Promise<void> {
    const { submission, stepId, key } = submitted;
    const step = { ...inputOf(submission), ...(key === undefined ? { stepId } : { idempotencyKey: key }) };
    const submit = (queue: AnyFleetQ) => queue.submitWithReceipt(step as never);
    const shown = ({ stepId: id, receipt }: Receipt) => ({ stepIds: [id], answer: [receipt] });
    const asked = { ...detailsOf(submission), ...(key === undefined ? { stepIds: [stepId] } : { key }) };
    const answer = await caller.call('submit', submit, asked, shown);
    if (answer !== undefined) submitted.stepId ??= answer.stepId;
  }

  #sendMany(caller: SimulatedProcess, submitted: readonly Submitted[]): Promise<unknown> {
    const [first] = submitted;
    if (first === undefined) return Promise.resolve();
    const { submission } = first;
    const steps = submitted.map(({ stepId }) => ({
      ...inputOf(submission),
      ...(stepId === undefined ? {} : { stepId }),
    }));
    const shown = (receipts: readonly Receipt[]) => ({
      stepIds: receipts.map(({ stepId }) => stepId),
      answer: receipts.map(({ receipt }) => receipt),
    });
    const submit = (queue: AnyFleetQ) => queue.submitManyWithReceipts(steps);
    const stepIds = submitted.map(({ stepId }) => stepId);
    return caller.call('submitMany', submit, { stepIds, ...detailsOf(submission) }, shown);
  }

  #retry(caller: SimulatedProcess, stepId: string): void {
    void caller.call('retry', (queue) => queue.retry(stepId), { stepId });
  }

  #wait(caller: SimulatedProcess, stepId: string): Promise<unknown> {
    return caller.call(
      'waitFor',
      (queue) => queue.waitFor(stepId, { timeoutMs: WAIT_MS }),
      { stepId, timeoutMs: WAIT_MS },
      () => ({}),
    );
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

function nameOf(index: number): string {
  return `s${String(index).padStart(4, '0')}`;
}

function inputOf({ type, behaviour, priority, delayMs, maxRetries }: Submission) {
  return { type, args: behaviour, priority, maxRetries, ...(delayMs > 0 ? { delayMs } : {}) };
}

function detailsOf({ type, priority, delayMs, maxRetries }: Submission) {
  return { type, priority, delayMs, maxRetries };
}
