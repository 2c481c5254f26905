/** Sorts a history into its trails, in one pass. */
import type {
  Calm,
  Emitted,
  Entry,
  Finished,
  MemberChanged,
  ProcessChanged,
  RowChanged,
} from '../../history/history.js';
import type {
  Call,
  Claim,
  Life,
  Placed,
  PlacedEvent,
  PlacedFault,
  ProcessTrail,
  RowChange,
  RowTrail,
  Run,
  StepTrail,
} from './trails.js';

export class RecordIndex {
  readonly steps = new Map<string, StepTrail>();
  readonly lives = new Map<string, Life>();
  readonly processes = new Map<string, ProcessTrail>();
  readonly calls = new Map<number, Call>();
  readonly runs = new Map<number, Run>();
  readonly claims: Claim[] = [];
  /** Every change of a row of the table of steps. */
  readonly changes: RowChange[] = [];
  readonly members: Placed<MemberChanged>[] = [];
  readonly events: PlacedEvent[] = [];
  /** Faults that affect every process. */
  readonly faultsOfAll: PlacedFault[] = [];
  calm: Placed<Calm> | undefined;
  finished: Placed<Finished> | undefined;
  readonly #rows = new Map<string, RowTrail>();

  constructor(entries: readonly Entry[]) {
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index];
      if (entry !== undefined) this.#add(index, entry);
    }
  }

  /** When the world was calm; `Infinity` if it never was. */
  get calmAt(): number {
    return this.calm?.at ?? Infinity;
  }

  /** The rows of the table of steps, also those that were removed. */
  rows(): IterableIterator<RowTrail> {
    return this.#rows.values();
  }

  /** The process whose incarnation this is. */
  ownerOf(incarnation: string | null | undefined): ProcessTrail | undefined {
    return this.lives.get(incarnation ?? '')?.process;
  }

  #add(index: number, entry: Entry): void {
    const { at } = entry;
    switch (entry.kind) {
      case 'row':
        return entry.table === 'steps' ? this.#row(index, entry) : this.#archived(index, entry);
      case 'member':
        return this.#member({ index, at, entry });
      case 'asked': {
        const call: Call = { asked: { index, at, entry }, process: this.#process(entry.process) };
        this.calls.set(entry.call, call);
        call.process.calls.push(call);
        if (entry.stepId !== undefined) this.#step(entry.stepId).calls.push(call);
        return;
      }
      case 'told': {
        const call = this.calls.get(entry.call);
        if (call !== undefined) call.told = { index, at, entry };
        return;
      }
      case 'began': {
        const [process, step] = [this.#process(entry.process), this.#step(entry.stepId)];
        const claim = step.claims.findLast(({ life }) => life?.process === process);
        const run: Run = { run: entry.run, began: { index, at, entry }, step, process, claim };
        this.runs.set(entry.run, run);
        step.runs.push(run);
        process.runs.push(run);
        claim?.runs.push(run);
        return;
      }
      case 'ended': {
        const run = this.runs.get(entry.run);
        if (run !== undefined) run.ended = { index, at, entry };
        return;
      }
      case 'event':
        return this.#event({ index, at, entry });
      case 'fault': {
        const faults = entry.process === undefined ? this.faultsOfAll : this.#process(entry.process).faults;
        faults.push({ index, at, entry });
        return;
      }
      case 'process':
        return this.#changed(entry);
      case 'calm':
        this.calm = { index, at, entry };
        return;
      case 'finished':
        this.finished = { index, at, entry };
        return;
    }
  }

  #row(index: number, entry: RowChanged): void {
    const { before, after, at } = entry;
    const known = after ?? before;
    if (known === undefined) return;
    const row = this.#rowOf(known.stepId, known.rowId);
    const change: RowChange = { index, at, entry, before, after, row };
    if (row.claim !== undefined && !isHeld(row.claim, change)) {
      row.claim.ended = change;
      change.ends = row.claim;
      row.claim = undefined;
    }
    if (after?.status === 'claimed' && row.claim === undefined) {
      const life = after.claimedIncarnation === null ? undefined : this.lives.get(after.claimedIncarnation);
      const claim: Claim = { row, made: change, state: after, life, runs: [] };
      change.claims = claim;
      row.claim = claim;
      life?.claims.push(claim);
      row.step.claims.push(claim);
      this.claims.push(claim);
    }
    row.state = after;
    row.changes.push(change);
    row.step.changes.push(change);
    this.changes.push(change);
  }

  #archived(index: number, entry: RowChanged): void {
    const known = entry.after ?? entry.before;
    if (known !== undefined) this.#step(known.stepId).archived.push({ index, at: entry.at, entry });
  }

  #member(placed: Placed<MemberChanged>): void {
    const { incarnation, podId, event, process } = placed.entry;
    this.members.push(placed);
    let life = this.lives.get(incarnation);
    if (life === undefined) {
      life = { incarnation, podId, process: undefined, claims: [] };
      this.lives.set(incarnation, life);
    }
    life[event] ??= placed;
    if (event === 'registered' && life.process === undefined && process !== undefined) {
      life.process = this.#process(process);
      life.process.lives.push(life);
    }
  }

  #event(event: Placed<Emitted>): void {
    const { process, stepId } = event.entry;
    this.events.push(event);
    this.#process(process).events.push(event);
    if (stepId !== undefined) this.#step(stepId).events.push(event);
  }

  #changed({ at, process: name, podId, what, settings }: ProcessChanged): void {
    const process = this.#process(name, podId);
    process.settings ??= settings;
    if (what === 'starts') process.startsAt = at;
    else if (what === 'started') process.startedAt ??= at;
    else if (what === 'killed') process.killedAt ??= at;
    else if (what === 'stopping') process.stoppingAt ??= at;
    else process.stoppedAt ??= at;
  }

  #process(name: string, podId = name): ProcessTrail {
    let process = this.processes.get(name);
    if (process === undefined) {
      const never = { startedAt: undefined, killedAt: undefined, stoppingAt: undefined, stoppedAt: undefined };
      const lists = { lives: [], events: [], faults: [], runs: [], calls: [] };
      process = { name, podId, settings: undefined, startsAt: 0, ...never, ...lists };
      this.processes.set(name, process);
    }
    return process;
  }

  #step(stepId: string): StepTrail {
    let step = this.steps.get(stepId);
    if (step === undefined) {
      step = { stepId, rows: [], changes: [], archived: [], claims: [], runs: [], events: [], calls: [] };
      this.steps.set(stepId, step);
    }
    return step;
  }

  #rowOf(stepId: string, rowId: string): RowTrail {
    const key = `${stepId} ${rowId}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      const step = this.#step(stepId);
      row = { step, rowId, changes: [], state: undefined, claim: undefined };
      step.rows.push(row);
      this.#rows.set(key, row);
    }
    return row;
  }
}

/** Whether the claim still holds after the change. */
function isHeld({ state }: Claim, { after }: RowChange): boolean {
  return after?.status === 'claimed' && after.claimToken === state.claimToken && after.version === state.version;
}
