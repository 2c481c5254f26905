/** Where a simulated fleet keeps its steps. */
import type { StoreFactory } from '../../../src/store/contract.js';
import type { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import type { MemberChanged, RowChanged, StepState } from '../history/history.js';

/**
 * The way between one process and the store. A process that is frozen, killed or cut off sends and receives nothing; what it has
 * sent may be applied all the same.
 */
export interface Link {
  readonly process: string;
  /**
   * Before a call leaves the process. Rejects or hangs if the way is cut; never resolves for a killed process.
   *
   * @param call what is called: a method of the store, or the name of a statement
   */
  outbound(call: string): Promise<void>;
  /** Before a reply reaches the process. The same. */
  inbound(): Promise<void>;
  /** A call has reached the store. @param again applies it once more, and drops its reply */
  arrived?(again: () => void): void;
  /** Calls back when the process is killed. */
  onKilled?(exited: () => void): void;
}

/** A change of the store's rows, not yet in the history. */
export type RowChange = Omit<RowChanged, 'at' | 'process'> | Omit<MemberChanged, 'at' | 'process'>;

/** Called for each committed change, in the order of the commits. */
export type WorldListener = (change: RowChange, process: string) => void;

export interface World {
  readonly name: 'sqlite' | 'warehouse';
  /** The store of one process, on its machine, reached over its link. */
  storeOf(machine: VirtualRuntime, link: Link): StoreFactory;
  /** The rows as they are now, without lateness: of the table of steps, and of the archive. */
  rows(): { readonly steps: readonly StepState[]; readonly archived: readonly StepState[] };
  /** SQLite: somebody's SQL writes rows. @param nth which of its statements */
  writeByHand?(nth: number): void;
  /** SQLite: another program locks the file. @returns what ends it */
  lock?(): () => void;
  /** From now on the store works without hazards. */
  calm(): void;
  close(): void;
}
