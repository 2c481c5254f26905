/**
 * Finds the pods whose process has exited.
 *
 * Invariants: a process is looked up once for all of its pods, and many lookups go in slices between which the event loop
 * is free (each reads a file of `/proc`, at about 20 µs).
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

  /** What a pod registers as its process. */
  self(): ProcessMark | undefined {
    return this.#table.self();
  }

  /** The members as peers see them. */
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
