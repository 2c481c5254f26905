/** What becomes of the steps of an experiment: when each was due, started, ended and settled, by the world's time. */

interface StepTimes {
  readonly dueAt: number;
  starts: number;
  startedAt: number;
  endedAt: number;
  settledAt: number;
}

export class Measures {
  readonly #now: () => number;
  readonly #steps = new Map<string, StepTimes>();
  #settled = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get settledCount(): number {
    return this.#settled;
  }

  due(stepId: string): void {
    this.#steps.set(stepId, { dueAt: this.#now(), starts: 0, startedAt: NaN, endedAt: NaN, settledAt: NaN });
  }

  started(stepId: string): void {
    const step = this.#steps.get(stepId);
    if (step === undefined || step.starts++ > 0) return;
    step.startedAt = this.#now();
  }

  ended(stepId: string): void {
    const step = this.#steps.get(stepId);
    if (step !== undefined) step.endedAt = this.#now();
  }

  settled(stepId: string): void {
    const step = this.#steps.get(stepId);
    if (step === undefined || !Number.isNaN(step.settledAt)) return;
    step.settledAt = this.#now();
    this.#settled++;
  }

  /** Of the steps that started from `from` on. */
  summary(from: number) {
    const started = [...this.#steps.values()].filter(({ startedAt }) => startedAt >= from);
    const settled = [...this.#steps.values()].filter(({ settledAt }) => settledAt >= from);
    return {
      started: started.length,
      settled: settled.length,
      doubled: started.reduce((sum, { starts }) => sum + starts - 1, 0),
      lastSettledAt: settled.reduce((last, { settledAt }) => Math.max(last, settledAt), 0),
      startMs: started.map(({ dueAt, startedAt }) => startedAt - dueAt),
      settleMs: settled.map(({ endedAt, settledAt }) => settledAt - endedAt),
      lateMs: this.#lateness(from),
    };
  }

  /**
   * By how much later each step started than under strict order, in ms. There the k-th start is that of the k-th step that became
   * due. A step that has not started, and was overtaken, counts as if it started now.
   */
  #lateness(from: number): number[] {
    const steps = [...this.#steps.values()];
    const last = steps.findLastIndex(({ startedAt }) => !Number.isNaN(startedAt));
    const now = this.#now();
    const starts = steps.slice(0, last + 1).map(({ startedAt }) => (Number.isNaN(startedAt) ? now : startedAt));
    const inOrder = starts.toSorted((a, b) => a - b);
    return starts.flatMap((at, i) => (at < from ? [] : [Math.max(0, at - (inOrder[i] ?? at))]));
  }
}
