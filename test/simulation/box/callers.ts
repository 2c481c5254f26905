/**
 * The callers of a simulated fleet: they submit, ask, cancel and retry, over the client or over a pod that runs.
 *
 * Invariants: what they chose is decided by the plan and the fleet's state alone.
 */
import type { AnyFleetQ } from '../../../src/index.js';
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

interface Submitted {
  readonly stepId: string;
  readonly submission: Submission;
}

export class Callers {
  readonly #client: SimulatedProcess;
  readonly #running: () => readonly SimulatedProcess[];
  /** Every step under the id with which it was submitted, answered or not. */
  readonly #submitted: Submitted[] = [];
  #turn = 0;

  constructor(client: SimulatedProcess, running: () => readonly SimulatedProcess[]) {
    this.#client = client;
    this.#running = running;
  }

  act(call: Call): void {
    if (call.do === 'submit') return void this.#submit(call);
    if (call.do === 'look') return void lookAround(this.#caller());
    if (call.do === 'misuse') return void misuse(this.#caller());
    if (call.do === 'recover') return void recoverByHand(this.#caller());
    const chosen = this.#submitted[call.step % Math.max(1, this.#submitted.length)];
    if (chosen === undefined) return;
    const { stepId, submission } = chosen;
    const caller = this.#caller();
    switch (call.do) {
      case 'cancel':
        return void caller.call('cancel', (queue) => queue.cancel(stepId), { stepId });
      case 'retry':
        return void caller.call('retry', (queue) => queue.retry(stepId), { stepId });
      case 'resubmit':
        return void this.#send(caller, submission, [stepId]);
      case 'wait':
        return void this.#wait(caller, stepId);
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

  async #submit(submission: Submission): Promise<void> {
    const from = this.#submitted.length;
    const stepIds = Array.from({ length: submission.count }, (_, i) => idOf(from + i));
    for (const stepId of stepIds) this.#submitted.push({ stepId, submission });
    const callers = submission.keyed === true ? [this.#caller(), this.#caller()] : [this.#caller()];
    await Promise.all(callers.map((caller) => this.#send(caller, submission, stepIds)));
  }

  #send(caller: SimulatedProcess, submission: Submission, stepIds: readonly string[]): Promise<unknown> {
    const { type, behaviour, priority, delayMs, maxRetries } = submission;
    const steps = stepIds.map((stepId) => ({
      type,
      args: behaviour,
      priority,
      maxRetries,
      ...(delayMs > 0 ? { delayMs } : {}),
      stepId,
    }));
    const shown = (receipts: readonly { readonly stepId: string; readonly receipt: string }[]) => ({
      stepIds: receipts.map(({ stepId }) => stepId),
      answer: receipts.map(({ receipt }) => receipt),
    });
    const submit = (queue: AnyFleetQ) => queue.submitManyWithReceipts(steps);
    return caller.call('submitMany', submit, { stepIds, type, priority, delayMs, maxRetries }, shown);
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

function idOf(index: number): string {
  return `s${String(index).padStart(4, '0')}`;
}
