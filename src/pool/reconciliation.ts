/**
 * Compares what this pod holds with what the store says that it holds.
 *
 * Law: only claims are judged that stood unchanged, as the pod knows them, from before the heartbeat was sent until its
 * reply. One that the store no longer names is lost. One that the pod does not know is given back when two heartbeats
 * running show it; what a request still under way may bring waits for the next heartbeat.
 */
import type { Fence, PodRef } from '../store/contract.js';
import type { Hold } from './hold.js';

/** What was held when a heartbeat was sent. Opaque to who carries it. */
export interface HeldSnapshot {
  readonly pod: PodRef | undefined;
  readonly holds: readonly Hold[];
  readonly openTokens: readonly string[];
}

/** What this pod knows when the reply is here. */
export interface Known {
  /** All whose receipt has not come, whatever their state. */
  readonly holds: readonly Hold[];
  readonly openTokens: readonly string[];
}

export interface Judgement {
  readonly lost: ReadonlySet<Hold>;
  readonly unknown: readonly Fence[];
}

export class Reconciliation {
  /** Unknown claims that one heartbeat has shown. */
  #suspects: ReadonlySet<string> = new Set();

  judge(snapshot: HeldSnapshot, held: readonly Fence[], known: Known): Judgement {
    const theirs = new Set(held.map(nameOf));
    const ours = new Set(known.holds.map(({ claim }) => nameOf(claim)));
    const open = new Set([...snapshot.openTokens, ...known.openTokens]);
    const strangers = held.filter((fence) => !ours.has(nameOf(fence)) && !open.has(fence.claimToken));
    const unknown = strangers.filter((fence) => this.#suspects.has(nameOf(fence)));
    this.#suspects = new Set(strangers.map(nameOf));
    const lost = new Set(snapshot.holds.filter((hold) => isHeld(hold) && !theirs.has(nameOf(hold.claim))));
    return { lost, unknown };
  }
}

/** Whether the claim has no outcome yet. */
function isHeld({ state }: Hold): boolean {
  return state === 'unstarted' || state === 'running';
}

function nameOf({ stepId, claimToken, version }: Fence): string {
  return JSON.stringify([stepId, claimToken, version]);
}
