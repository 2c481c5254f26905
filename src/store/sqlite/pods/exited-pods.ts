/**
 * Finds the pods whose process has exited.
 *
 * Invariants:
 * - A process is looked up once for all of its pods.
 * - Lookups run in slices, between which the event loop turns. Each lookup reads a file of `/proc`, in about 20 µs.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import { mapInSlices } from '../../../runtime/time-slices.js';
import type { PodView } from '../../contract.js';
import type { Member } from './pods.js';
import { hasExited, type ProcessMark, type ProcessTable } from './process-table.js';

export class ExitedPods {
  readonly #runtime: Runtime;
  readonly #table: ProcessTable;

  constructor(runtime: Runtime, table: ProcessTable) {
    this.#runtime = runtime;
    this.#table = table;
  }

  /** The process that a pod of this process registers. */
  self(): ProcessMark | undefined {
    return this.#table.self();
  }

  /** The members as a `FleetView` shows them. */
  async views(members: readonly Member[]): Promise<PodView[]> {
    const exited = await this.among(members);
    return members.map(({ view }) => (exited.has(view.pod.incarnation) ? { ...view, exited: true } : view));
  }

  /** The incarnations whose process has exited, each with that process. */
  async among(members: readonly Pick<Member, 'incarnation' | 'process'>[]): Promise<ReadonlyMap<string, ProcessMark>> {
    const exited = new Map<string, ProcessMark>();
    const marked = members.flatMap(({ incarnation, process: mark }) => (mark ? [{ incarnation, mark }] : []));
    const self = marked.length === 0 ? undefined : this.#table.self();
    if (self === undefined) return exited;
    const known = new Map<string, boolean>();
    await mapInSlices(this.#runtime, marked, ({ incarnation, mark }) => {
      const key = `${mark.namespace} ${mark.pid} ${mark.startedAt}`;
      const over = known.get(key) ?? hasExited(mark, self, this.#table);
      known.set(key, over);
      if (over) exited.set(incarnation, mark);
    });
    return exited;
  }
}
